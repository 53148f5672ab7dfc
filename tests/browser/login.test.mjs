// A real login: provider, client app and browser, with sidegate asking in between.
import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { closeBrowser, look, newContext, signIn, startAll } from './harness.mjs';

after(closeBrowser);

const EXAMPLE = [{
  fields: ['job_title', 'phone'], condition: 'missing', required: true,
  title: 'Help us personalize your experience', description: 'Just a couple of quick questions.',
}];
const OPT_IN = {
  slug: 'email_opt_in', name: 'News by e-mail', description: 'Once a month at most.', dataType: 'boolean',
  writableBy: ['admin', 'user'], grantsWhenSelfAsserted: true,
};

const welcome = (page, user) => page.waitForSelector(`h1:has-text("Welcome, ${user}")`);

test('the first login is asked for two fields, the next is not', async (t) => {
  const { sidegate, app } = await startAll(t, { rules: EXAMPLE });
  const page = await (await newContext(t, { bypassCSP: true })).newPage();
  await signIn(page, app, 'alice');
  await page.waitForSelector('h1:has-text("Help us personalize")');
  assert.match(await page.textContent('main'), /signed in as alice Example \(alice@example\.com\)/);
  assert.equal(await page.getByRole('button', { name: 'Skip' }).count(), 0);
  assert.equal(await page.getAttribute('#phone', 'autocomplete'), 'tel');
  assert.equal(await page.getAttribute('#phone', 'inputmode'), 'tel');
  assert.deepEqual(await look(page, 'complete-profile'), []);

  await page.fill('#job_title', 'Engineer');
  await page.fill('#phone', 'call me');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.waitForSelector('.summary');
  assert.match(await page.title(), /^Error: /);
  assert.equal(await page.evaluate('document.activeElement.className'), 'summary');
  const words = await page.textContent('.summary a');
  assert.match(words, /Phone number must be a phone number/);
  assert.equal(await page.textContent('#phone-error'), words);
  assert.equal(await page.inputValue('#phone'), 'call me');
  assert.equal(await page.inputValue('#job_title'), 'Engineer');
  assert.deepEqual(await look(page, 'complete-profile-error'), []);
  await page.click('.summary a');
  assert.equal(await page.evaluate('document.activeElement.id'), 'phone');

  await page.fill('#phone', '+49 30 901820');
  await page.getByRole('button', { name: 'Save' }).click();
  await welcome(page, 'alice');
  const phone = await sidegate.api('GET', '/api/v1/abac/users/alice/attributes/phone');
  assert.equal(phone.body.value, '+49 30 901820');

  await signIn(page, app, 'alice');
  await welcome(page, 'alice');
});

test('the very next decision follows what the user said', async (t) => {
  const rules = [{ fields: ['email_opt_in'], condition: 'missing', required: true, title: 'News?' }];
  const { sidegate, app } = await startAll(t, { definitions: [OPT_IN], rules });
  await sidegate.put('/api/v1/abac/users/bob/attributes/plan', { value: 'enterprise' });
  assert.equal(await sidegate.may('bob', 'export'), false);
  const page = await (await newContext(t, { bypassCSP: true })).newPage();
  await signIn(page, app, 'bob');
  assert.deepEqual(await look(page, 'complete-profile-choice'), []);
  await page.getByLabel('Yes').check();
  await page.getByRole('button', { name: 'Save' }).click();
  await welcome(page, 'bob');
  assert.equal(await sidegate.may('bob', 'export'), true);
});

test('a user and a program are known by access tokens of the provider', async (t) => {
  const { sidegate, issuer, app } = await startAll(t);
  await sidegate.put('/api/v1/abac/users/dora/attributes/plan', { value: 'enterprise' });
  const page = await (await newContext(t)).newPage();
  await signIn(page, app, 'dora');
  await welcome(page, 'dora');
  assert.deepEqual(JSON.parse(await page.textContent('pre')), { userId: 'dora', attributes: { plan: 'enterprise' } });

  // A program asks for a token of its own, and is no user.
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('web:secret').toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  const { access_token: token } = await answer.json();
  const ask = (path, body) => fetch(`${sidegate.base}/t/acme/api/v1/abac/${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  assert.equal((await ask('my-attributes')).status, 403);
  const checked = await (await ask('check', { action: 'read', resourceType: 'report', resourceId: '7' })).json();
  assert.deepEqual(checked.evaluationContext.subject, { type: 'service', id: 'web' });
  assert.equal(checked.allowed, false);
});

test('the third login is asked for the phone', async (t) => {
  const rules = [{ fields: ['phone'], condition: { loginCount: 3 }, required: true, title: 'Your phone number' }];
  const { app } = await startAll(t, { rules });
  const page = await (await newContext(t)).newPage();
  for (const login of [1, 2]) {
    await signIn(page, app, 'carol');
    await welcome(page, 'carol');
    assert.ok(login);
  }
  await signIn(page, app, 'carol');
  await page.waitForSelector('h1:has-text("Your phone number")');
  await page.fill('#phone', '+1 555 0100');
  await page.getByRole('button', { name: 'Save' }).click();
  await welcome(page, 'carol');
});

test('an optional rule is skipped, stays quiet, and asks again afterwards', async (t) => {
  const rule = { id: 'company', fields: ['company'], condition: 'missing', title: 'Where do you work?', snoozeDays: 7 };
  const { sidegate, app } = await startAll(t, { rules: [rule] });
  const page = await (await newContext(t, { bypassCSP: true })).newPage();
  await signIn(page, app, 'dave');
  await page.waitForSelector('h1:has-text("Where do you work?")');
  assert.deepEqual(await look(page, 'complete-profile-optional'), []);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.waitForSelector('.summary:has-text("or skip")');
  await page.getByRole('button', { name: 'Skip' }).click();
  await welcome(page, 'dave');
  await signIn(page, app, 'dave');
  await welcome(page, 'dave');
  const preview = await sidegate.api('GET', '/api/v1/profiling/preview?userId=dave');
  assert.match(preview.body[0].why, /skipped, and is quiet until/);

  await sidegate.put('/api/v1/profiling/rules', [{ ...rule, id: 'other', snoozeDays: 0 }]);
  await signIn(page, app, 'dave');
  await page.waitForSelector('h1:has-text("Where do you work?")');
  // Users take their time; it is the same login all the while.
  await page.waitForTimeout(2000);
  await page.getByRole('button', { name: 'Skip' }).click();
  await welcome(page, 'dave');
  await signIn(page, app, 'dave');
  await page.waitForSelector('h1:has-text("Where do you work?")');
});

test('going round the page by hand does not finish a required rule', async (t) => {
  const { issuer, app } = await startAll(t, { rules: EXAMPLE });
  const page = await (await newContext(t)).newPage();
  let interaction;
  page.on('request', (request) => { interaction = request.url().match(/\/interaction\/([\w-]+)$/)?.[1] ?? interaction; });
  await signIn(page, app, 'erin');
  await page.waitForSelector('h1:has-text("Help us")');
  await page.goto(`${issuer}/interaction/${interaction}/continue`);
  await page.waitForSelector('h1:has-text("Help us")');
});

test('without scripts, and by keyboard alone', async (t) => {
  const { app } = await startAll(t, { rules: EXAMPLE });
  const page = await (await newContext(t, { javaScriptEnabled: false })).newPage();
  await signIn(page, app, 'frank');
  await page.waitForSelector('h1:has-text("Help us")');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Engineer');
  await page.keyboard.press('Tab');
  await page.keyboard.type('+1 555 0100');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await welcome(page, 'frank');
});

test('two tabs, another browser, and a ticket used again', async (t) => {
  const { app, sidegate } = await startAll(t, { rules: EXAMPLE });
  const context = await newContext(t, { bypassCSP: true });
  const [page, second] = [await context.newPage(), await context.newPage()];
  await signIn(page, app, 'grace');
  await page.waitForSelector('h1:has-text("Help us")');
  const address = page.url();
  assert.ok(address.startsWith(sidegate.base));
  await second.goto(address);
  await second.waitForSelector('h1:has-text("Help us")');

  const thief = await (await newContext(t, { bypassCSP: true })).newPage();
  await thief.goto(address);
  await thief.waitForSelector('h1:has-text("opened in another browser")');
  assert.deepEqual(await look(thief, 'ticket-other-browser'), []);

  for (const tab of [page, second]) {
    await tab.fill('#job_title', 'Engineer');
    await tab.fill('#phone', '+1 555 0100');
  }
  await page.getByRole('button', { name: 'Save' }).click();
  await welcome(page, 'grace');
  await second.getByRole('button', { name: 'Save' }).click();
  await second.waitForSelector('h1:has-text("This is done")');
  assert.deepEqual(await look(second, 'ticket-done'), []);
  await page.goBack();
  await page.waitForSelector('h1:has-text("This is done")');
  await page.goto(address.replace(/.{4}$/, 'AAAA'));
  await page.waitForSelector('h1:has-text("not one of ours")');
  assert.deepEqual(await look(page, 'ticket-unknown'), []);
  await page.goto(`${sidegate.base}/t/acme/account/complete-profile/`);
  assert.match(await page.textContent('main'), /nothing to do here now/);
  assert.deepEqual(await look(page, 'ticket-none'), []);
});

test('a login that allows no page gets no page', async (t) => {
  const { sidegate } = await startAll(t, { rules: EXAMPLE });
  const answer = await sidegate.check({ userId: 'heidi', loginId: 'h1', interactive: false, returnTo: '' });
  assert.deepEqual({ ...answer, rule: undefined }, {
    complete: false, required: true, fields: ['job_title', 'phone'], error: 'interaction_required', rule: undefined,
  });
});

test('every type of field has its own input', async (t) => {
  const define = (slug, name, dataType, rest = {}) => ({ slug, name, dataType, writableBy: ['admin', 'user'], ...rest });
  const definitions = [
    define('about', 'About you', 'string', { format: 'long_text', description: 'A few sentences.' }),
    define('born', 'Date of birth', 'string', { format: 'date' }),
    define('site', 'Website', 'string', { format: 'url' }),
    define('team_size', 'Size of your team', 'number'),
    define('contact', 'Work e-mail', 'string', { format: 'email' }),
    define('size', 'T-shirt', 'string', { allowedValues: ['S', 'M', 'L'] }),
    define('country', 'Country', 'string', { allowedValues: ['AT', 'BE', 'CH', 'DE', 'ES', 'FR', 'IT', 'NL'] }),
    define('news', 'News', 'boolean'),
  ];
  const fields = ['company', 'phone', ...definitions.map(({ slug }) => slug)];
  const { sidegate, app } = await startAll(t, { definitions, rules: [{ fields, condition: 'missing', required: true, title: 'All of it' }] });
  const page = await (await newContext(t, { bypassCSP: true })).newPage();
  await signIn(page, app, 'ivan');
  await page.waitForSelector('h1:has-text("All of it")');
  const types = await page.evaluate('[...document.querySelectorAll("input:not([type=hidden]):not([type=radio])")].map((e) => e.type + " " + e.inputMode)');
  assert.deepEqual(types, ['text ', 'tel tel', 'date ', 'url url', 'text decimal', 'email email']);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.waitForSelector('.summary');
  assert.equal(await page.locator('.summary li').count(), fields.length);
  assert.deepEqual(await look(page, 'complete-profile-all-types'), []);
  const answers = { company: 'Acme', phone: '+1 555 0100', about: 'Line one\nline two', born: '1990-01-31', site: 'https://example.com/', team_size: '12.5', contact: 'ivan@work.example' };
  for (const [slug, value] of Object.entries(answers)) await page.fill(`#${slug}`, value);
  await page.getByLabel('M', { exact: true }).check();
  await page.selectOption('#country', 'DE');
  await page.getByLabel('No', { exact: true }).check();
  await page.getByRole('button', { name: 'Save' }).click();
  await welcome(page, 'ivan');
  const stored = async (slug) => (await sidegate.api('GET', `/api/v1/abac/users/ivan/attributes/${slug}`)).body.value;
  assert.deepEqual(await Promise.all(['team_size', 'news', 'size', 'country', 'born'].map(stored)), [12.5, false, 'M', 'DE', '1990-01-31']);
});
