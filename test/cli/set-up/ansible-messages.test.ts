import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ansibleMessages } from '../../../src/cli/set-up/ansible-messages.ts';

/** Messages of Ansible 2.14 about inventories with passwords, the quoted text in braces. */
const messages: readonly (readonly [written: string, shown: string])[] = [
  [
    '/i/d:2: Expected key=value host variable assignment, got: secret',
    '/i/d:2: Expected key=value host variable assignment, got: ...',
  ],
  [
    `/i/e:2: Error parsing host definition 'w1 ansible_password="secret': No closing quotation`,
    `/i/e:2: Error parsing host definition '...': No closing quotation`,
  ],
  ["/i/g:2: Expected key=value, got: ansible_password it's secret", '/i/g:2: Expected key=value, got: ...'],
  ["Invalid host pattern 'a:secret:' supplied, ending in", "Invalid host pattern '...' supplied, ending in"],
  [
    "The error appears to be in '/i/b.yml': line 1, column 20. The offending line appears to be:  a: secret",
    "The error appears to be in '/i/b.yml': line 1, column 20. The offending line appears to be: ...",
  ],
  [
    'Inventory script (/i/s) had an execution error: secret secret',
    'Inventory script (/i/s) had an execution error: ...',
  ],
  ['Attempting to decrypt but no vault secrets found', 'Attempting to decrypt but no vault secrets found'],
];

test('a message of Ansible is shown without the text of the inventory that it quotes', () => {
  for (const [written, shown] of messages) assert.deepEqual(ansibleMessages(written), [shown]);
});

test('a message that Ansible broke to the width of a terminal is one line, and its quotation is omitted', () => {
  const stderr = '[WARNING]: Failed to parse /i/d, got:\n  secret\n secret\nERROR! Completely\n failed\n\n';
  assert.deepEqual(ansibleMessages(stderr), ['[WARNING]: Failed to parse /i/d, got: ...', 'ERROR! Completely failed']);
});
