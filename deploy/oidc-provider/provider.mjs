// An OpenID provider (npm oidc-provider) that asks sidegate at every login whether the profile is complete.
//
//   SIDEGATE_TOKEN=$(sidegate service-token --tenant acme --scope profiling) node provider.mjs
//
// For trying things: anybody signs in as anybody, and nothing is kept when it stops.
import http from 'node:http';
import { Provider, interactionPolicy } from 'oidc-provider';

const PORT = Number(process.env.PORT ?? 4000);
const ISSUER = `http://127.0.0.1:${PORT}`;
const SIDEGATE = process.env.SIDEGATE ?? 'http://127.0.0.1:8181/t/acme';
const TOKEN = process.env.SIDEGATE_TOKEN;
const APP = process.env.APP ?? 'http://127.0.0.1:3000';
// What access tokens are for: the audience that the tenant's settings name.
const RESOURCE = 'https://sidegate.acme.example';

// Reports a login, and asks whether it may finish. The same login is always the same loginId, so that it is counted
// once, and an answer or a skip counts for it.
async function check(session, client, returnTo) {
  const response = await fetch(`${SIDEGATE}/api/v1/profiling/check`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      userId: session.accountId,
      loginId: `${session.accountId}-${session.loginTs}`,
      client,
      returnTo,
      profile: { name: `${session.accountId} Example`, email: `${session.accountId}@example.com` },
      identities: [{ kind: 'social', provider: 'example', subject: session.accountId }],
    }),
  });
  if (!response.ok) throw new Error(`sidegate: ${response.status} ${await response.text()}`);
  return response.json();
}

// One more prompt, between signing in and consent. What comes back from the page is not believed: sidegate is asked
// again, so that going round the page by hand leads back to it.
const { Prompt, Check, base } = interactionPolicy;
const policy = base();
// Without a token it asks nothing: so it does for sidegate itself, which signs users in and asks what is missing.
if (TOKEN) policy.add(new Prompt({ name: 'profile', requestable: false }, new Check('incomplete', 'the profile is incomplete', 'interaction_required', async ({ oidc }) => {
  if (!oidc.session?.accountId) return Check.NO_NEED_TO_PROMPT;
  const { complete } = await check(oidc.session, oidc.client.clientId, ISSUER);
  return complete ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT;
})), 1);

const clients = [{ client_id: 'web', client_secret: 'secret', redirect_uris: [`${APP}/callback`], grant_types: ['authorization_code', 'client_credentials'] }];
for (const name of ['PORTAL', 'APPS', 'IDENTITY_PROXY']) {
  if (process.env[name]) clients.push({ client_id: name.toLowerCase().replace('_', '-'), client_secret: 'secret', redirect_uris: [process.env[name]] });
}

const provider = new Provider(ISSUER, {
  clients,
  cookies: { keys: ['for trying things'] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    // Access tokens are JWTs (RFC 9068) for sidegate (RFC 8707).
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      getResourceServerInfo: () => ({ scope: '', audience: RESOURCE, accessTokenFormat: 'jwt', accessTokenTTL: 600 }),
      useGrantedResource: () => true,
    },
  },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { policy, url: (_, interaction) => `/interaction/${interaction.uid}` },
  pkce: { required: () => true },
  scopes: ['openid', 'email'],
  // Nobody is asked for consent: what clients ask for is granted.
  loadExistingGrant: async ({ oidc }) => {
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope('openid email');
    await grant.save();
    return grant;
  },
});

const SIGN_IN = (uid) => `<!doctype html><html lang="en"><title>Sign in</title><h1>Sign in</h1>
<form method="post" action="/interaction/${uid}/login"><label>User <input name="login" autocomplete="username"></label>
<button>Sign in</button></form></html>`;

const callback = provider.callback();
http.createServer(async (request, response) => {
  const match = new URL(request.url, ISSUER).pathname.match(/^\/interaction\/([\w-]+)(\/\w+)?$/);
  if (!match) return callback(request, response);
  try {
    const [, uid, step] = match;
    const details = await provider.interactionDetails(request, response);
    if (step === '/login') {
      let body = '';
      for await (const chunk of request) body += chunk;
      // With its own time: without it, every way back from a page would pass for a login of that moment.
      const login = { accountId: new URLSearchParams(body).get('login'), ts: Math.floor(Date.now() / 1000) };
      return await provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
    }
    if (step === '/continue') {
      return await provider.interactionFinished(request, response, { profile: {} }, { mergeWithLastSubmission: true });
    }
    if (details.prompt.name === 'profile') {
      const session = await provider.Session.findByUid(details.session.uid);
      const { redirectTo } = await check(session, details.params.client_id, `${ISSUER}/interaction/${uid}/continue`);
      response.writeHead(303, { location: redirectTo ?? `/interaction/${uid}/continue` });
      return response.end();
    }
    response.setHeader('content-type', 'text/html');
    return response.end(SIGN_IN(uid));
  } catch (error) {
    response.statusCode = 500;
    return response.end(String(error.stack));
  }
}).listen(PORT, '127.0.0.1', () => console.log(`provider on ${ISSUER}`));
