// The real parts: sidegate as a child process, an OpenID provider, a client app, and Chromium.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
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
export async function startSidegate(t, { settings = {}, policies = {}, secret } = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sidegate-browser-'));
  const files = { 'acme/acme.policy': POLICY, 'acme/tenant.json': JSON.stringify(settings), ...policies };
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, 'policies', name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }
  const data = path.join(folder, 'data');
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SIDEGATE_')));
  env.ACME_PORTAL_SECRET = 'secret';
  if (secret) env.SIDEGATE_PROXY_SECRET = secret;
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
    run: (command, { data: wantsData = true } = {}) => new Promise((done, failed) => {
      const child = spawn(BIN, [...command, ...(wantsData ? ['--data', data] : [])], { env });
      let text = '';
      child.stdout.on('data', (chunk) => { text += chunk; });
      child.on('exit', (code) => (code === 0 ? done(text.trim()) : failed(new Error(`${command}: ${code}`))));
    }),
  };
}

// A program of the example, killed when the test is over.
async function startExample(t, script, env) {
  const child = spawn('node', [path.join(ROOT, 'deploy/oidc-provider', script)], { env: { ...process.env, ...env } });
  let said = '';
  child.stderr.on('data', (chunk) => { said += chunk; });
  t.after(() => child.kill());
  await new Promise((up, down) => {
    child.stdout.on('data', (chunk) => { said += chunk; if (/ on http/.test(said)) up(); });
    child.on('exit', () => down(new Error(`${script} did not start: ${said}`)));
  });
}

// The OpenID provider of the guide, which asks sidegate at every login, unless sidegate signs users in itself.
export async function startProvider(t, sidegate, port, app, { asks = true, identityProxy = '' } = {}) {
  const token = asks ? await sidegate.run(['service-token', '--tenant', 'acme', '--scope', 'profiling']) : '';
  const tenant = `${sidegate.base}/t/acme`;
  const env = { PORT: String(port), APP: app, SIDEGATE: tenant, SIDEGATE_TOKEN: token, PORTAL: `${tenant}/portal/callback`, APPS: `${tenant}/account/callback`, IDENTITY_PROXY: identityProxy };
  await startExample(t, 'provider.mjs', env);
}

// nginx before an app that says whom it sees, with the configuration that ships.
export async function startProxied(t, sidegate, listen, more = []) {
  const app = http.createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><html lang="en"><title>App</title><h1>${request.url} for ${request.headers['x-auth-subject']}</h1></html>`);
  });
  await new Promise((done) => app.listen(0, '127.0.0.1', done));
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sidegate-nginx-'));
  fs.mkdirSync(path.join(folder, 'nginx.tmp'));
  const upstream = `http://127.0.0.1:${app.address().port}`;
  const text = await sidegate.run(['proxy-config', 'nginx', '--tenant', 'acme', '--sidegate', sidegate.base, '--upstream', upstream, '--listen', `127.0.0.1:${listen}`, ...more], { data: false });
  fs.writeFileSync(path.join(folder, 'nginx.conf'), text);
  const nginx = spawn(fs.existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr']);
  t.after(() => { nginx.kill(); app.close(); app.closeAllConnections(); fs.rmSync(folder, { recursive: true, force: true }); });
  for (;;) {
    const up = await fetch(`http://127.0.0.1:${listen}/`, { redirect: 'manual' }).catch(() => undefined);
    if (up) return;
    await new Promise((done) => setTimeout(done, 50));
  }
}

// Apache with mod_auth_openidc before that, with the configuration that ships.
export async function startIdentityProxy(t, issuer, listen, behind) {
  const run = fs.mkdtempSync(path.join(os.tmpdir(), 'sidegate-apache-'));
  const env = { ...process.env, RUN: run, ISSUER: issuer, CLIENT_SECRET: 'secret', PASSPHRASE: 'for trying things', LISTEN: `127.0.0.1:${listen}`, BEHIND: `127.0.0.1:${behind}` };
  const program = fs.existsSync('/usr/sbin/apache2') ? '/usr/sbin/apache2' : 'apache2';
  const apache = spawn(program, ['-f', path.join(ROOT, 'deploy/identity-proxy/apache.conf'), '-DFOREGROUND'], { env });
  let said = '';
  apache.stderr.on('data', (chunk) => { said += chunk; });
  t.after(() => { apache.kill(); fs.rmSync(run, { recursive: true, force: true }); });
  for (let tries = 0; ; tries += 1) {
    if (await fetch(`http://127.0.0.1:${listen}/`, { redirect: 'manual' }).catch(() => undefined)) return;
    if (tries > 100) throw new Error(`Apache did not start: ${said}${fs.readFileSync(path.join(run, "error.log"))}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

// All of it, wired.
export async function startAll(t, { definitions = [], rules = [], enabled = true } = {}) {
  const [providerPort, appPort] = [await freePort(), await freePort()];
  const [issuer, app] = [`http://127.0.0.1:${providerPort}`, `http://127.0.0.1:${appPort}`];
  const issuers = [{ issuer, audiences: ['https://sidegate.acme.example'], primary: true }];
  const sidegate = await startSidegate(t, { settings: { returnOrigins: [issuer], defaultReturn: `${app}/`, issuers } });
  for (const definition of definitions) await sidegate.put(`/api/v1/abac/attributes/${definition.slug}`, definition);
  await sidegate.put('/api/v1/profiling/rules', rules);
  await sidegate.put('/api/v1/profiling/settings', { enabled });
  await startProvider(t, sidegate, providerPort, app);
  await startExample(t, 'app.mjs', { PORT_APP: String(appPort), ISSUER: issuer, SIDEGATE: `${sidegate.base}/t/acme` });
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
