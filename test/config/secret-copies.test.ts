import assert from 'node:assert/strict';
import { test } from 'node:test';

import { putSecrets, Secret, secretsOf } from '../../src/config/secret.ts';

test('a copy for another process has the secrets again, wherever they stood', () => {
  const rule = { note: 'n', token: new Secret({ kind: 'literal', value: 'three' }) };
  const config = {
    storage: { password: new Secret({ kind: 'literal', value: 'one' }), port: 1 },
    webhooks: [{ url: new Secret({ kind: 'env', name: 'HOME' }) }, { url: null }],
    clients: [{ rules: [rule] }, { rules: [rule] }],
  };
  const copy = structuredClone({ config, secrets: secretsOf(config) });
  putSecrets(copy.config, copy.secrets);
  assert.deepEqual(
    [copy.config.storage.password, copy.config.webhooks[0]?.url, copy.config.clients[1]?.rules[0]?.token].map((one) =>
      one instanceof Secret ? one.reveal() : null,
    ),
    ['one', process.env['HOME'], 'three'],
  );
  assert.equal(copy.config.webhooks[1]?.url, null);
});
