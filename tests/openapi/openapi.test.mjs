// The OpenAPI document is well made, and the server is as it says whatever one sends: Redocly lints it, and Schemathesis
// makes up requests from it, good ones and bad ones.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { startSidegate } from '../browser/harness.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const EXAMPLES = process.env.SIDEGATE_TEST_LONG ? '300' : '15';

// Runs a program to its end; what it printed.
async function run(program, args, env = {}) {
  const child = spawn(program, args, { cwd: HERE, env: { ...process.env, ...env } });
  let out = '';
  child.stdout.on('data', (chunk) => { out += chunk; });
  child.stderr.on('data', (chunk) => { out += chunk; });
  const code = await new Promise((done) => child.on('close', done));
  assert.equal(code, 0, out);
  return out;
}

async function signIn(server) {
  const link = new URL(server.portalLink);
  const headers = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' };
  const body = `link=${link.searchParams.get('link')}`;
  const answer = await fetch(`${server.base}${link.pathname}`, { method: 'POST', redirect: 'manual', headers, body });
  assert.equal(answer.status, 303);
  return answer.headers.get('set-cookie').split(';')[0];
}

test('the document has nothing that a linter objects to', async (t) => {
  const server = await startSidegate(t);
  const file = path.join(server.data, 'openapi.json');
  fs.writeFileSync(file, await (await fetch(`${server.base}/openapi.json`)).text());
  const quiet = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
  const out = await run('node_modules/.bin/redocly', ['lint', '--max-problems', '20', file], quiet);
  assert.match(out, /valid/);
});

test('the server is as the document says, whatever is sent', async (t) => {
  const server = await startSidegate(t);
  const env = {
    SIDEGATE_TOKEN: await server.run(['service-token', '--instance', '--scope', 'admin']),
    SIDEGATE_SESSION: await signIn(server),
  };
  const out = await run(process.env.SCHEMATHESIS, ['run', `${server.base}/openapi.json`, '-n', EXAMPLES], env);
  t.diagnostic(out.match(/[0-9]+ generated.*/)[0]);
  assert.ok(!server.log().includes('panicked'), server.log());
});
