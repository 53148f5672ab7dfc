// The real parts: sidegate as a child process, an OpenID provider, a client app, and Chromium.
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Provider, interactionPolicy } from 'oidc-provider';
import { chromium } from 'playwright-core';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const BIN = process.env.SIDEGATE_BIN ?? path.join(ROOT, 'target/debug/sidegate');
const SHOTS = process.env.SIDEGATE_SHOTS;

export const POLICY = `
allow enterprise_export {
  action "read", "export"
  resource "report"
  when user.traits.plan == "enterprise" AND user.traits.email_opt_in == true
}`;

export async function freePort() {
  const server = net.createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

// A sidegate with a tenant acme, killed when the test is over.
export async function startSidegate(t, { returnOrigins = [], defaultReturn, policies = {} } = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sidegate-browser-'));
  const files = { 'acme/acme.policy': POLICY, 'acme/tenant.json': JSON.stringify({ returnOrigins, defaultReturn }), ...policies };
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, 'policies', name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }
  const data = path.join(folder, 'data');
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SIDEGATE_')));
  const args = ['serve', '--listen', '127.0.0.1:0', '--data', data, '--policies', path.join(folder, 'policies')];
  const child = spawn(BIN, args, { env });
  let out = '';
  let err = '';
  child.stderr.on('data', (chunk) => { err += chunk; });
  await new Promise((up, down) => {
    child.stdout.on('data', (chunk) => { out += chunk; if (out.includes('/portal/sign-in?link=') && out.endsWith('\n')) up(); });
    child.on('exit', () => down(new Error(`sidegate did not start: ${out}${err}`)));
  });
  t.after(() => { child.kill(); fs.rmSync(folder, { recursive: true, force: true }); });
  const base = out.match(/http:\/\/[0-9.:]+/)[0];
  const token = fs.readFileSync(path.join(data, 'admin-token'), 'utf8').trim();
  const api = async (method, where, body) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const response = await fetch(`${base}/t/acme${where}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined };
  };
  return {
    base,
    data,
    api,
    portalLink: out.match(/http:\S+\/portal\/sign-in\?link=\S+/)[0],
    log: () => err,
    // Insists that it was done.
    async put(where, body) {
      const answer = await api('PUT', where, body);
      if (answer.status >= 300) throw new Error(`${where}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body;
    },
    check: async (body) => (await api('POST', '/api/v1/profiling/check', body)).body,
    may: async (user, action) => {
      const question = { subject: { type: 'user', id: user }, action: { name: action }, resource: { type: 'report', id: '7' } };
      return (await api('POST', '/access/v1/evaluation', question)).body.decision;
    },
    run: (command) => new Promise((done, failed) => {
      const child = spawn(BIN, [...command, '--data', data], { env });
      let text = '';
      child.stdout.on('data', (chunk) => { text += chunk; });
      child.on('exit', (code) => (code === 0 ? done(text.trim()) : failed(new Error(`${command}: ${code}`))));
    }),
  };
}

// An OpenID provider that asks sidegate at every login whether the profile is complete.
export async function startProvider(t, sidegate, port, clientOrigin) {
  const issuer = `http://127.0.0.1:${port}`;
  const ask = (session, client, returnTo) => sidegate.check({
    userId: session.accountId,
    // One login is one loginId, however often it is asked about.
    loginId: `${session.accountId}-${session.loginTs}`,
    client,
    returnTo,
    profile: { name: `${session.accountId} Example`, email: `${session.accountId}@example.com` },
    identities: [{ kind: 'social', provider: 'example', subject: session.accountId }],
  });
  const { Prompt, Check, base } = interactionPolicy;
  const policy = base();
  policy.add(new Prompt({ name: 'profile', requestable: false }, new Check('incomplete', 'the profile is incomplete', 'interaction_required', async (ctx) => {
    const { session, client } = ctx.oidc;
    if (!session?.accountId) return Check.NO_NEED_TO_PROMPT;
    // What came back from the page is not believed: sidegate is asked again.
    const { complete } = await ask(session, client.clientId, issuer);
    return complete ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT;
  })), 1);
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'web', client_secret: 'secret', redirect_uris: [`${clientOrigin}/callback`] }],
    cookies: { keys: ['test'] },
    features: { devInteractions: { enabled: false } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { policy, url: (_, interaction) => `/interaction/${interaction.uid}` },
    pkce: { required: () => true },
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
  });
  const callback = provider.callback();
  const server = http.createServer(async (request, response) => {
    const match = new URL(request.url, issuer).pathname.match(/^\/interaction\/([\w-]+)(\/\w+)?$/);
    if (!match) return callback(request, response);
    try {
      const details = await provider.interactionDetails(request, response);
      const [, uid, step] = match;
      if (step === '/login') {
        let body = '';
        for await (const chunk of request) body += chunk;
        const login = { accountId: new URLSearchParams(body).get('login') };
        return await provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
      }
      if (step === '/continue') {
        return await provider.interactionFinished(request, response, { profile: {} }, { mergeWithLastSubmission: true });
      }
      if (details.prompt.name === 'profile') {
        const session = await provider.Session.findByUid(details.session.uid);
        const { redirectTo } = await ask(session, details.params.client_id, `${issuer}/interaction/${uid}/continue`);
        response.writeHead(303, { location: redirectTo ?? `/interaction/${uid}/continue` });
        return response.end();
      }
      response.setHeader('content-type', 'text/html');
      return response.end(`<!doctype html><html lang="en"><title>Sign in</title><form method="post" action="/interaction/${uid}/login"><label>User <input name="login"></label><button>Sign in</button></form></html>`);
    } catch (error) {
      response.statusCode = 500;
      return response.end(String(error.stack));
    }
  });
  await new Promise((up) => server.listen(port, '127.0.0.1', up));
  t.after(() => { server.close(); server.closeAllConnections(); });
  return issuer;
}

// A client app: signs in by authorization code with PKCE, and greets.
export async function startApp(t, port, issuer) {
  const origin = `http://127.0.0.1:${port}`;
  const verifier = crypto.randomBytes(32).toString('base64url');
  const server = http.createServer(async (request, response) => {
    const url = new URL(request.url, origin);
    if (url.pathname === '/login') {
      const params = new URLSearchParams({
        client_id: 'web', response_type: 'code', scope: 'openid', redirect_uri: `${origin}/callback`, prompt: 'login',
        code_challenge_method: 'S256', code_challenge: crypto.createHash('sha256').update(verifier).digest('base64url'),
      });
      response.writeHead(303, { location: `${issuer}/auth?${params}` });
      return response.end();
    }
    response.setHeader('content-type', 'text/html');
    if (url.pathname !== '/callback') return response.end('<!doctype html><title>App</title><h1>The app</h1>');
    const body = new URLSearchParams({ grant_type: 'authorization_code', code: url.searchParams.get('code'), redirect_uri: `${origin}/callback`, code_verifier: verifier });
    const authorization = `Basic ${Buffer.from('web:secret').toString('base64')}`;
    const tokens = await (await fetch(`${issuer}/token`, { method: 'POST', headers: { authorization }, body })).json();
    const sub = tokens.id_token && JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url')).sub;
    return response.end(`<!doctype html><title>App</title><h1>Welcome, ${sub}</h1>`);
  });
  await new Promise((up) => server.listen(port, '127.0.0.1', up));
  t.after(() => { server.close(); server.closeAllConnections(); });
  return origin;
}

// All of it, wired.
export async function startAll(t, { definitions = [], rules = [], enabled = true } = {}) {
  const [providerPort, appPort] = [await freePort(), await freePort()];
  const [issuer, app] = [`http://127.0.0.1:${providerPort}`, `http://127.0.0.1:${appPort}`];
  const sidegate = await startSidegate(t, { returnOrigins: [issuer], defaultReturn: `${app}/` });
  for (const definition of definitions) await sidegate.put(`/api/v1/abac/attributes/${definition.slug}`, definition);
  await sidegate.put('/api/v1/profiling/rules', rules);
  await sidegate.put('/api/v1/profiling/settings', { enabled });
  await startProvider(t, sidegate, providerPort, app);
  await startApp(t, appPort, issuer);
  return { sidegate, issuer, app };
}

let browser;

export async function closeBrowser() {
  await browser?.close();
}

// A browser of one's own: no cookies of others.
export async function newContext(t, options = {}) {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  const context = await browser.newContext(options);
  context.setDefaultTimeout(10_000);
  t.after(() => context.close());
  return context;
}

// Signs in at the app as a user, up to wherever that leads. Two logins of one user within a second would be one.
let lastLogin = 0;
export async function signIn(page, app, user) {
  const wait = lastLogin + 1100 - Date.now();
  if (wait > 0) await new Promise((done) => setTimeout(done, wait));
  await page.goto(`${app}/login`);
  await page.fill('input[name=login]', user);
  lastLogin = Date.now();
  await page.click('button');
}

// What axe finds wrong with a page, in light and dark, and a screenshot of each, wide and narrow.
export async function look(page, name) {
  const axe = fs.readFileSync(path.join(ROOT, 'tests/browser/node_modules/axe-core/axe.min.js'), 'utf8');
  const found = [];
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    const findings = await page.evaluate(`${axe}; axe.run().then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html).join(' ')))`);
    found.push(...findings.map((finding) => `${name} (${colorScheme}): ${finding}`));
    for (const width of [320, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      const scrolls = await page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
      if (scrolls) found.push(`${name} (${width} px): the page scrolls sideways`);
      if (SHOTS) await page.screenshot({ path: path.join(SHOTS, `${name}-${colorScheme}-${width}.png`), fullPage: true });
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  return found;
}
