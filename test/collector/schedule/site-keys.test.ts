/** The keys of collectors that share a site: each must be able to open what the others seal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { siteKeysFault, type SiteKeys } from '../../../src/collector/schedule/site-keys.ts';

const own = { id: 'one', site: 'fra' };
const self = { id: 'one', host: 'here', keyId: 'k1' };
const other = { id: 'two', host: 'there', keyId: 'k1' };
const stranger = { id: 'two', host: 'there', keyId: 'k2' };

const cases: readonly (readonly [what: string, facts: Partial<SiteKeys>, message: RegExp | null, advice?: RegExp])[] = [
  ['alone', { seen: [] }, null],
  ['alone and known', { seen: [self] }, null],
  ['all seal to one key', { seen: [self, other] }, null],
  ['new, and all seal to one key', { seen: [other] }, null],
  ['another key that is here too', { seen: [self, stranger], knowsKey: () => true }, null],
  [
    'another key that is not here',
    { seen: [self, stranger] },
    /^there of the same site fra seals to key k2, which is not live here$/,
    /^Copy the files of keys\/ and public_keys\/ from the state folder of there to this one\.$/,
  ],
  [
    'new with a key of its own',
    { seen: [stranger] },
    /which is not live here$/,
    /to this one, and move those of key k1 away\. If an earlier collector/,
  ],
  ['new without a key', { seen: [stranger], sealsTo: null }, /not live here$/, /to this one\.$/],
  [
    'new with a key of its own, and that of the others',
    { seen: [stranger], knowsKey: () => true },
    /seals to key k2, and this collector, which is new there, to key k1 of its own$/,
    /^Move the files of key k1 out of keys\/ and public_keys\/ here\. If/,
  ],
  ['its own older key, stored before a rotation', { seen: [{ ...self, keyId: 'k0' }] }, null],
];
for (const [what, facts, message, advice = /./] of cases) {
  test(`${what}: ${message === null ? 'it visits' : 'it does not visit'}`, () => {
    const fault = siteKeysFault({ own, sealsTo: 'k1', knowsKey: (id) => id === 'k1', seen: [], ...facts });
    if (message === null) assert.equal(fault, null);
    else {
      assert.ok(fault);
      assert.deepEqual([fault.code, fault.stage], ['keys-invalid', 'keys']);
      assert.match(fault.message, message);
      assert.match(fault.advice, advice);
    }
  });
}
