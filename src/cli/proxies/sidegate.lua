-- Asks sidegate about a request, by HAProxy's own HTTP client.
local fields = { {% for field in fields %}{% if !loop.first %}, {% endif %}"{{ field.name|lower }}"{% endfor %} }
local handed_on = { "accept", "authorization", {% if http2 %}"content-type", {% endif %}"cookie", "sec-fetch-mode", "x-request-id"{% if !identity.is_empty() %}, "{{ identity }}"{% endif %} }

core.register_action("sidegate", { "http-req" }, function(txn)
  local sent, asked = txn.http:req_get_headers(), {}
  for _, name in ipairs(handed_on) do
    if sent[name] then
      asked[name] = {}
      for at = 0, 63 do asked[name][at + 1] = sent[name][at] end
    end
  end
  asked["x-forwarded-method"] = { txn.f:method() }
  asked["x-forwarded-proto"] = { txn.f:ssl_fc() == 1 and "https" or "http" }
  asked["x-forwarded-host"] = sent["host"] and { sent["host"][0], sent["host"][1] } or {}
  asked["x-forwarded-uri"] = { txn.f:pathq() }
  asked["x-forwarded-for"] = { txn.f:src() }
{%- if !secret.is_empty() %}
  asked["x-sidegate-secret"] = { "{{ secret }}" }
{%- endif %}
  local ok, answer = pcall(function()
    local url = "http://{{ sidegate }}/t/{{ tenant }}/authz/forward-auth"
    return core.httpclient():get{ url = url, headers = asked, timeout = 2000 }
  end)
  if not ok or not answer or not answer.status or answer.status == 0 then return end
  if answer.status == 200 then
    for _, name in ipairs(fields) do
      local value = answer.headers[name] and answer.headers[name][0] or ""
      txn:set_var("txn." .. name:gsub("-", "_"), value)
    end
    txn:set_var("txn.cookie", answer.headers["cookie"] and answer.headers["cookie"][0] or "")
    txn:set_var("txn.sidegate", "passed")
    return
  end
{%- if http2 %}
  -- Where sidegate is away, HAProxy's client has a page, which gRPC would take for a message of the app.
  local kind = sent["content-type"] and sent["content-type"][0] or ""
  if kind:find("^application/grpc") and not answer.headers["grpc-status"] then return end
{%- endif %}
  local reply = txn:reply{ status = answer.status, body = answer.body }
  for name, values in pairs(answer.headers) do
    if name ~= "content-length" and name ~= "transfer-encoding" and name ~= "connection" then
      for _, value in pairs(values) do reply:add_header(name, value) end
    end
  end
  txn:done(reply)
end, 0)
