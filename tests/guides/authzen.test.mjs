// docs/authzen.md works by copy and paste and prints what it says; its functions say no whatever goes wrong.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../browser/harness.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.resolve(HERE, '../..');
const BIN = process.env.SIDEGATE_BIN ?? path.join(ROOT, 'target/debug/sidegate');
// Between what one block prints and what the next one does.
const END_OF_BLOCK = '\x1e';

// A block, and what the guide says that it prints: lines in a sentence, or another block.
const BLOCK = /^```(\w+)(?: (\S+))?\n([^]*?)^```$(?:\n\nprints (`.+`)\.$|\n\nprints\n\n```(json|text)\n([^]*?)^```$)?/gm;

// The guide's files by name, and its commands.
function read(guide) {
  const [files, steps] = [{}, []];
  for (const [, kind, name, text, lines, form, shown] of guide.matchAll(BLOCK)) {
    if (name) {
      assert.equal(files[name], undefined, `${name} is there twice`);
      files[name] = text;
    } else {
      assert.equal(kind, 'sh', `nobody runs this: ${text}`);
      const said = (lines ?? '').split('`').filter((_, place) => place % 2 === 1).join('\n');
      steps.push({ commands: text, form, prints: shown ?? said });
    }
  }
  return { files, steps };
}

// What comes out of a program, which ends well.
async function run(program, args, folder, env = {}) {
  const child = spawn(program, args, { cwd: folder, env: { ...process.env, ...env } });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => { out += chunk; });
  child.stderr.on('data', (chunk) => { err += chunk; });
  const code = await new Promise((done) => child.on('close', done));
  assert.equal(code, 0, `${out}${err}`);
  return out;
}

// An empty folder with the files of the guide, and with the compiler that it says to install.
function prepare(t, files) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sidegate-guides-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  fs.symlinkSync(path.join(HERE, 'node_modules'), path.join(folder, 'node_modules'));
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), text);
  return folder;
}

// As text, or as JSON, where no two decisions have the same id, and the guide need not follow every change of a hash.
function readable(form, text) {
  const varies = (name, value) => (['decisionId', 'policyRevision'].includes(name) ? typeof value : value);
  return form === 'json' ? JSON.parse(text, varies) : text.replaceAll('\r', '').trimEnd();
}

const guide = fs.readFileSync(path.join(ROOT, 'docs/authzen.md'), 'utf8');

test('the guide works by copy and paste', async (t) => {
  const address = `127.0.0.1:${await freePort()}`;
  const { files, steps } = read(
    guide.replaceAll('127.0.0.1:8181', address).replace('sidegate serve', `sidegate serve --listen ${address}`),
  );
  const folder = prepare(t, files);
  const blocks = steps.map(({ commands }) => `${commands}\nprintf '${END_OF_BLOCK}'\n`);
  const script = `set -e\ntrap 'kill $(jobs -p); wait' EXIT\n${blocks.join('')}`;
  const env = { PATH: `${path.dirname(BIN)}:${process.env.PATH}` };
  const out = await run('timeout', ['120', 'bash', '-c', script], folder, env);
  const printed = out.split(END_OF_BLOCK);
  steps.forEach(({ commands, form, prints }, place) => {
    assert.deepEqual(readable(form, printed[place]), readable(form, prints), commands);
  });
});

test('whatever goes wrong is a no', async (t) => {
  const { files } = read(guide);
  const folder = prepare(t, files);
  await run('bash', ['-c', guide.match(/^npx tsc --strict .*$/m)[0]], folder);
  const answers = {
    '/silent': () => {},
    '/broken': (response) => response.destroy(),
    '/failing': (response) => response.writeHead(500).end('{"decision": true, "evaluations": [{"decision": true}]}'),
    '/half': (response) => response.end('{"decision": true'),
    '/null': (response) => response.end('null'),
    '/list': (response) => response.end('[true]'),
    '/text': (response) => response.end('{"decision": "true", "evaluations": [{"decision": "true"}]}'),
    '/short': (response) => response.end('{"evaluations": []}'),
  };
  const server = http.createServer((request, response) => answers[request.url.split('/access/')[0]](response));
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => { server.close(); server.closeAllConnections(); });
  const bases = Object.keys(answers).map((name) => `http://127.0.0.1:${server.address().port}${name}`);
  const nobody = `http://127.0.0.1:${await freePort()}`;
  const python = `from allowed import *
print(json.dumps([allowed("alice", "read", {}), allowed_each("alice", "read", [{}, {}])]))`;
  const typescript = `import { allowed, allowedEach } from "./allowed.mjs";
const report = { type: "report", id: "7" };
console.log(JSON.stringify([await allowed("alice", "read", report), await allowedEach("alice", "read", [report, report])]));`;
  await Promise.all([nobody, ...bases].map(async (PDP) => {
    const env = { PDP, PDP_TOKEN: 'none' };
    for (const said of [
      await run('timeout', ['20', 'python3', '-c', python], folder, env),
      await run('timeout', ['20', 'node', '--input-type=module', '-e', typescript], folder, env),
    ]) assert.deepEqual(JSON.parse(said), [false, [false, false]], PDP);
  }));
});
