// An app behind a real proxy, whose users sign in at sidegate with a real provider and come back to where they were going.
import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { closeBrowser, freePort, look, newContext, startIdentityProxy, startProvider, startProxied, startSidegate } from './harness.mjs';

after(closeBrowser);

const POLICY = `
route GET "/public" => "read" on "page"
route GET "/reports/{id}" => "read" on "report" { id }
allow everybody { action "read" resource "page" }
allow users { action "read" resource "report" when subject.type == "user" AND user.traits.plan == "enterprise" }
`;

async function start(t, { rules = [] } = {}) {
  const [providerPort, proxyPort] = [await freePort(), await freePort()];
  const [issuer, app] = [`http://127.0.0.1:${providerPort}`, `http://127.0.0.1:${proxyPort}`];
  const settings = {
    issuers: [{ issuer, audiences: ['https://sidegate.acme.example'], primary: true }],
    returnOrigins: [app],
    signIn: { issuer, clientId: 'apps', clientSecretEnv: 'ACME_PORTAL_SECRET' },
    appearance: { name: 'Acme', accent: '#7a1fa2' },
  };
  const sidegate = await startSidegate(t, { settings, policies: { 'acme/acme.policy': POLICY } });
  for (const user of ['alice', 'bob']) await sidegate.put(`/api/v1/abac/users/${user}/attributes/plan`, { value: user === 'alice' ? 'enterprise' : 'free' });
  await sidegate.put('/api/v1/profiling/rules', rules);
  await sidegate.put('/api/v1/profiling/settings', { enabled: true });
  await startProvider(t, sidegate, providerPort, app, { asks: false });
  await startProxied(t, sidegate, proxyPort);
  const page = await (await newContext(t, { bypassCSP: true })).newPage();
  const enter = async (user) => { await page.fill('input[name=login]', user); await page.click('button'); };
  const sees = (text) => page.waitForSelector(`h1:has-text("${text}")`);
  return { sidegate, app, page, enter, sees };
}

test('sign in, come back to where one was going, and sign out', async (t) => {
  const { sidegate, app, page, enter, sees } = await start(t);
  await page.goto(`${app}/public`);
  await sees('/public for undefined');
  await page.goto(`${app}/reports/7?page=2`);
  await enter('alice');
  await sees('/reports/7?page=2 for alice');
  assert.equal(page.url(), `${app}/reports/7?page=2`);
  await page.goto(`${app}/reports/8`);
  await sees('/reports/8 for alice');
  // A trait changes, and with it the very next answer.
  await sidegate.put('/api/v1/abac/users/alice/attributes/plan', { value: 'free' });
  assert.equal((await page.goto(`${app}/reports/8`)).status(), 403);
  await sidegate.put('/api/v1/abac/users/alice/attributes/plan', { value: 'enterprise' });

  // An admin signs her out; at the provider she still is, and comes back by herself.
  const admin = await (await newContext(t, { bypassCSP: true })).newPage();
  await admin.goto(sidegate.portalLink);
  await admin.getByRole('button', { name: 'Sign in' }).click();
  await admin.goto(`${sidegate.base}/t/acme/portal/users/alice/360`);
  assert.deepEqual(await look(admin, 'portal-user-of-apps'), []);
  await admin.getByRole('button', { name: 'Sign out of all apps' }).click();
  await admin.waitForSelector('.notice:has-text("Signed out of all apps.")');
  assert.equal((await page.request.get(`${app}/reports/8`, { maxRedirects: 0 })).status(), 401);
  await page.goto(`${app}/reports/8`);
  await sees('/reports/8 for alice');

  await page.goto(`${sidegate.base}/t/acme/account/sign-out`);
  assert.deepEqual(await look(page, 'sign-out'), []);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await sees('You are signed out');
  assert.deepEqual(await look(page, 'signed-out'), []);
  const anonymous = await page.request.get(`${app}/reports/8`, { maxRedirects: 0 });
  assert.equal(anonymous.status(), 401);
});

test('an incomplete profile is asked for on the way, and there is no way round', async (t) => {
  const rules = [{ fields: ['phone'], condition: 'missing', required: true, title: 'Your phone number' }];
  const { app, page, enter, sees } = await start(t, { rules });
  await page.goto(`${app}/reports/7`);
  await enter('alice');
  await sees('Your phone number');
  await page.goto(`${app}/reports/7`);
  await sees('Your phone number');
  await page.fill('#phone', '+49 30 901820');
  await page.getByRole('button', { name: 'Save' }).click();
  await sees('/reports/7 for alice');
});

test('whoever may not is told, and pages that go nowhere say why', async (t) => {
  const { sidegate, app, page, enter, sees } = await start(t);
  await page.goto(`${app}/reports/7`);
  await enter('bob');
  await page.waitForFunction("document.body.innerText.includes('not permitted')");
  const other = await (await newContext(t, { bypassCSP: true })).newPage();
  await other.goto(`${sidegate.base}/t/acme/account/callback?error=access_denied`);
  await other.waitForSelector('h1:has-text("You are not signed in")');
  assert.deepEqual(await look(other, 'not-signed-in'), []);
  await page.goto(`${sidegate.base}/t/acme/account/sign-in?returnTo=https%3A%2F%2Fevil.example`);
  await sees('You are signed in');
  assert.deepEqual(await look(page, 'signed-in'), []);
});

test('behind an identity proxy, whoever that has signed in is known, and nobody who says so', async (t) => {
  const [providerPort, identityPort, proxyPort] = [await freePort(), await freePort(), await freePort()];
  const [issuer, site] = [`http://127.0.0.1:${providerPort}`, `http://127.0.0.1:${identityPort}`];
  const secret = 'a-secret-that-only-our-proxies-know-of';
  const settings = { proxies: { identityHeader: 'remote-user' } };
  const sidegate = await startSidegate(t, { settings, policies: { 'acme/acme.policy': POLICY }, secret });
  await sidegate.put('/api/v1/abac/users/alice/attributes/plan', { value: 'enterprise' });
  await startProvider(t, sidegate, providerPort, site, { asks: false, identityProxy: `${site}/oidc/callback` });
  await startProxied(t, sidegate, proxyPort, ['--secret-env', 'SIDEGATE_PROXY_SECRET', '--identity-header', 'Remote-User']);
  await startIdentityProxy(t, issuer, identityPort, proxyPort);
  const page = await (await newContext(t, { extraHTTPHeaders: { 'remote-user': 'root', 'x-sidegate-secret': secret } })).newPage();
  await page.goto(`${site}/reports/7`);
  await page.fill('input[name=login]', 'alice');
  await page.click('button');
  await page.waitForSelector('h1:has-text("/reports/7 for alice")');
  const other = await (await newContext(t)).newPage();
  await other.goto(`${site}/reports/7`);
  await other.fill('input[name=login]', 'bob');
  await other.click('button');
  await other.waitForFunction("document.body.innerText.includes('not permitted')");
  // Whoever asks sidegate itself without the secret learns nothing.
  const fields = { 'x-original-method': 'GET', 'x-original-url': 'http://127.0.0.1/reports/7', 'remote-user': 'alice' };
  const asked = await fetch(`${sidegate.base}/t/acme/authz/auth-request`, { headers: fields });
  assert.equal(asked.status, 403);
});
