import assert from 'node:assert/strict';
import { test } from 'node:test';

import { failedLines } from '../../../src/cli/check/failed-trials.ts';
import type { Trial } from '../../../src/cli/check/try-connections.ts';
import { FleetError } from '../../../src/errors.ts';

const client = (
  what: string,
  code: 'host-key-unknown' | 'connect-refused' | 'dns',
  message: string,
  advice = code === 'host-key-unknown' ? `fleet-health trust ${what}` : 'Look.',
): Trial => ({ what, kind: 'client', fault: new FleetError({ code, stage: 'connect', message, advice }) });
const numbered = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `web-${at + 1}`);

test('clients that fail alike are one line, before those that do not', () => {
  const mail: Trial = { ...client('mail server', 'connect-refused', 'refused'), kind: 'mail' };
  const trials = [
    { what: 'database', kind: 'database', fault: null } as const,
    mail,
    client('db-1', 'connect-refused', 'another port', 'Look at the port.'),
    ...numbered(400).map((name) => client(name, 'host-key-unknown', `${name} shows a key`)),
    ...numbered(4).map((name) => client(name, 'connect-refused', 'refused')),
  ];
  assert.deepEqual(failedLines(trials), [
    '400 clients (web-1, web-2, web-3 and 397 more): known_hosts has no key for them yet (host-key-unknown). ' +
      'fleet-health trust shows their keys and asks once',
    '4 clients (web-1, web-2, web-3 and 1 more): nothing listens on their ports (connect-refused). Look.',
    'mail server: refused (connect-refused). Look.',
    'client db-1: another port (connect-refused). Look at the port.',
  ]);
});

test('clients whose names cannot be resolved are one line, whatever their names are', () => {
  const trials = numbered(40).map((name) => client(name, 'dns', `getaddrinfo ENOTFOUND ${name}.invalid`));
  assert.deepEqual(failedLines(trials), [
    '40 clients (web-1, web-2, web-3 and 37 more): their names cannot be resolved (dns). Look.',
  ]);
});

test('a few clients are a line each, with the key that each shows', () => {
  assert.deepEqual(
    failedLines(numbered(3).map((name) => client(name, 'host-key-unknown', `${name} shows a key`))),
    numbered(3).map((name) => `client ${name}: ${name} shows a key (host-key-unknown). fleet-health trust ${name}`),
  );
});

test('a host key that trust does not settle keeps its own reason', () => {
  const trials = numbered(4).map((name) =>
    client(name, 'host-key-unknown', 'the key is new and cannot be written', 'Make known_hosts writable.'),
  );
  assert.deepEqual(failedLines(trials), [
    '4 clients (web-1, web-2, web-3 and 1 more): the key is new and cannot be written (host-key-unknown). ' +
      'Make known_hosts writable.',
  ]);
});
