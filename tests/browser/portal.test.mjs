// An admin's walk through the portal.
import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { closeBrowser, freePort, look, newContext, startProvider, startSidegate } from './harness.mjs';

after(closeBrowser);

const EXAMPLE = `[{"fields": ["job_title", "phone"], "condition": "missing", "required": true,
  "title": "Help us personalize your experience", "description": "Just a couple of quick questions."}]`;
const HOSTILE = '<script>document.title = "owned"</script><img src=x onerror=alert(1)>';

async function signedIn(t, sidegate, options) {
  const page = await (await newContext(t, { bypassCSP: true, ...options })).newPage();
  await page.goto(sidegate.portalLink);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForSelector('h1:has-text("Users")');
  return page;
}

test('link, search, traits, switch, rule, and it asks', async (t) => {
  const sidegate = await startSidegate(t, { settings: { returnOrigins: ['http://127.0.0.1:9'] } });
  const browser = await newContext(t, { bypassCSP: true });
  const page = await browser.newPage();
  await page.goto(`${sidegate.base}/t/acme/portal/users`);
  await page.waitForSelector('h1:has-text("Sign in to the portal")');
  assert.deepEqual(await look(page, 'portal-not-signed-in'), []);
  await page.goto(sidegate.portalLink);
  assert.deepEqual(await look(page, 'portal-sign-in'), []);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForSelector('h1:has-text("Users")');
  assert.deepEqual(await look(page, 'portal-users-none'), []);
  const again = await (await newContext(t)).newPage();
  await again.goto(sidegate.portalLink);
  await again.waitForSelector('h1:has-text("does not count any more")');

  await sidegate.check({
    userId: 'alice', loginId: 'l1', profile: { name: 'Alice Example', email: 'alice@example.com' },
    identities: [{ kind: 'enterprise', provider: 'okta', subject: '00u1' }],
    consents: [{ purpose: 'news', version: '2', givenAt: '2026-01-07T12:00:00Z' }],
  });
  await sidegate.put('/api/v1/abac/users/bob%2Fsmith/attributes/plan', { value: 'free' });
  await page.reload();
  await page.fill('#q', 'alice e');
  await page.getByRole('button', { name: 'Search' }).click();
  assert.equal(await page.locator('tbody tr').count(), 1);
  assert.deepEqual(await look(page, 'portal-users'), []);
  await page.click('a:has-text("alice")');

  for (const [slug, type, value] of [['plan', 'string', 'enterprise'], ['credits', 'number', '500'], ['email_opt_in', 'boolean', 'true'], ['preferences', 'json', '{"theme": "dark"}']]) {
    await page.getByText('Add Trait').click();
    await page.fill('#slug', slug);
    await page.selectOption('#type', type);
    await page.fill('#value', value);
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.waitForSelector(`#field-${slug}`);
    await page.waitForSelector('.notice:has-text("Saved.")');
  }
  assert.equal(await sidegate.may('alice', 'export'), true);
  for (const words of ['okta', '00u1', 'news', '2026-01-07 12:00:00 UTC', 'field.set traits.plan', 'admin']) {
    assert.ok((await page.textContent('main')).includes(words), words);
  }
  assert.deepEqual(await look(page, 'portal-user'), []);

  await page.getByText('Add Trait').click();
  await page.fill('#slug', 'broken');
  await page.selectOption('#type', 'json');
  await page.fill('#value', '{"theme": ');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.waitForSelector('.summary:has-text("not JSON")');
  assert.equal(await page.inputValue('#value'), '{"theme": ');
  assert.deepEqual(await look(page, 'portal-user-error'), []);

  await page.fill('#slug', 'plan');
  await page.selectOption('#type', 'string');
  await page.fill('#value', 'free');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.waitForSelector('#slug-error:has-text("There is plan already")');
  assert.deepEqual(await look(page, 'portal-user-twice'), []);
  assert.equal(await sidegate.may('alice', 'export'), true);

  await page.locator('summary[aria-label="Edit plan"]').click();
  await page.fill('#value-plan', 'free');
  await page.locator('#field-plan').getByRole('button', { name: 'Save' }).click();
  await page.waitForSelector('#field-plan td.code:has-text("free")');
  assert.equal(await sidegate.may('alice', 'export'), false);
  await page.locator('summary[aria-label="Delete credits"]').click();
  await page.getByRole('button', { name: 'Delete credits' }).click();
  await page.waitForSelector('.notice:has-text("Deleted.")');
  assert.equal(await page.locator('#field-credits').count(), 0);

  await page.click('nav >> text=Authentication');
  assert.deepEqual(await look(page, 'portal-authentication-off'), []);
  await page.getByRole('button', { name: 'Switch on' }).click();
  await page.waitForSelector('.state.on');
  await page.fill('#rules', EXAMPLE.replace('job_title', 'job_titel'));
  await page.getByRole('button', { name: 'Save rules' }).click();
  await page.waitForSelector('.summary:has-text("did you mean `job_title`?")');
  assert.deepEqual(await look(page, 'portal-authentication-error'), []);
  await page.fill('#rules', EXAMPLE);
  await page.getByRole('button', { name: 'How many' }).click();
  await page.waitForSelector('.notice:has-text("would ask 2 of 2 known users")');
  await page.fill('#user', 'alice');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.waitForSelector('.notice li:has-text("asks job_title, phone")');
  assert.deepEqual(await look(page, 'portal-authentication-preview'), []);
  await page.getByRole('button', { name: 'Save rules' }).click();
  await page.waitForSelector('li:has-text("Ask for job_title, phone while it is missing; required.")');
  assert.deepEqual(await look(page, 'portal-authentication'), []);
  const asked = await sidegate.check({ userId: 'alice', loginId: 'l2', returnTo: 'http://127.0.0.1:9/' });
  assert.deepEqual(asked.fields, ['job_title', 'phone']);

  await page.goto(`${sidegate.base}/t/acme/portal/users/nobody/360`);
  assert.deepEqual(await look(page, 'portal-user-unknown'), []);
  await page.goto(`${sidegate.base}/t/acme/portal/users`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForSelector('h1:has-text("signed out")');
  await page.goto(`${sidegate.base}/t/acme/portal/users`);
  await page.waitForSelector('h1:has-text("Sign in to the portal")');
});

test('what users and admins wrote is shown, never run', async (t) => {
  const sidegate = await startSidegate(t);
  await sidegate.put('/api/v1/abac/attributes/evil', {
    slug: 'evil', name: HOSTILE, description: HOSTILE, dataType: 'string', writableBy: ['admin', 'user'], allowedValues: [HOSTILE, 'other'],
  });
  await sidegate.put('/api/v1/profiling/rules', [{ fields: ['evil'], condition: 'missing', title: HOSTILE, description: HOSTILE }]);
  await sidegate.put('/api/v1/profiling/settings', { enabled: true });
  const user = `eve${HOSTILE}`;
  const { redirectTo } = await sidegate.check({
    userId: user, loginId: 'e1', client: HOSTILE, profile: { name: HOSTILE }, identities: [{ provider: HOSTILE, subject: HOSTILE }], consents: [{ purpose: HOSTILE, version: HOSTILE }],
  });
  await sidegate.put(`/api/v1/abac/users/${encodeURIComponent(user)}/attributes/note`, { value: HOSTILE });
  const page = await signedIn(t, sidegate, { bypassCSP: true });
  const dialogs = [];
  page.on('dialog', (dialog) => { dialogs.push(dialog.message()); dialog.dismiss(); });
  for (const address of [redirectTo, `${sidegate.base}/t/acme/portal/users`, `${sidegate.base}/t/acme/portal/users/${encodeURIComponent(user)}/360`, `${sidegate.base}/t/acme/portal/settings/authentication`]) {
    await page.goto(address);
    assert.ok((await page.textContent('main')).includes('<script>'), address);
    assert.notEqual(await page.title(), 'owned');
    assert.equal(await page.locator('main script, main img').count(), 0);
  }
  assert.deepEqual(dialogs, []);
});

test('without scripts, and another link by the command line', async (t) => {
  const sidegate = await startSidegate(t);
  await sidegate.put('/api/v1/abac/users/alice/attributes/plan', { value: 'free' });
  const page = await (await newContext(t, { javaScriptEnabled: false })).newPage();
  await page.goto(await sidegate.run(['portal-link', '--tenant', 'acme']));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.click('a:has-text("alice")');
  await page.locator('summary[aria-label="Delete plan"]').click();
  await page.getByRole('button', { name: 'Delete plan' }).click();
  await page.waitForSelector('.notice:has-text("Deleted.")');
});

test('an admin signs in at the identity provider, and nobody else gets in', async (t) => {
  const port = await freePort();
  const portal = { issuer: `http://127.0.0.1:${port}`, clientId: 'portal', clientSecretEnv: 'ACME_PORTAL_SECRET', admins: ['root'] };
  const sidegate = await startSidegate(t, { settings: { portal } });
  await startProvider(t, sidegate, port, 'http://127.0.0.1:9');
  for (const [user, heading] of [['root', 'Users'], ['alice', 'You are not signed in']]) {
    const page = await (await newContext(t, { bypassCSP: true })).newPage();
    await page.goto(`${sidegate.base}/t/acme/portal/users`);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.fill('input[name=login]', user);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForSelector(`h1:has-text("${heading}")`);
    if (user === 'alice') {
      assert.match(await page.textContent('main'), /alice, and that is no admin/);
      assert.deepEqual(await look(page, 'portal-no-admin'), []);
    }
  }
  // A callback that this browser did not ask for: login CSRF.
  const victim = await (await newContext(t)).newPage();
  await victim.goto(`${sidegate.base}/t/acme/portal/callback?code=stolen&state=guessed`);
  assert.match(await victim.textContent('main'), /not begun in this browser/);
});
