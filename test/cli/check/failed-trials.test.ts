import assert from 'node:assert/strict';
import { test } from 'node:test';

import { failedLines, trialsLine } from '../../../src/cli/check/failed-trials.ts';
import type { Trial } from '../../../src/cli/check/try-connections.ts';
import { errorTable, FleetError, type ErrorCode } from '../../../src/platform/errors/errors.ts';

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
    '400 clients (web-1, web-2, web-3, web-4, web-5 and 395 more): known_hosts has no key for them yet ' +
      '(host-key-unknown). fleet-health trust shows their keys and asks once',
    '4 clients (web-1, web-2, web-3, web-4): nothing listens on their ports (connect-refused). Look. ' +
      'Next: fleet-health check web-1',
    'mail server: refused (connect-refused). Look.',
    'client db-1: another port (connect-refused). Look at the port. Next: fleet-health check db-1',
  ]);
});

test('clients whose names cannot be resolved are one line, whatever their names are', () => {
  const trials = numbered(40).map((name) => client(name, 'dns', `getaddrinfo ENOTFOUND ${name}.invalid`));
  assert.deepEqual(failedLines(trials), [
    '40 clients (web-1, web-2, web-3, web-4, web-5 and 35 more): their names cannot be resolved (dns). Look. ' +
      'Next: fleet-health check web-1',
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
    '4 clients (web-1, web-2, web-3, web-4): the key is new and cannot be written (host-key-unknown). ' +
      'Make known_hosts writable. Next: fleet-health check web-1',
  ]);
});

test('each fault of a login, of one client or of five, is followed by a command to type', () => {
  const codes = Object.keys(errorTable) as readonly ErrorCode[];
  for (const code of codes) {
    for (const count of [1, 5]) {
      const lines = failedLines(
        numbered(count).map((what) => ({
          what,
          kind: 'client',
          fault: new FleetError({ code, stage: 'connect', message: 'it failed', client: what }),
        })),
      );
      assert.equal(lines.length, 1, code);
      assert.match(lines[0] ?? '', /\bfleet-health (?:[a-z]+|--help)|ssh-keygen /, code);
      assert.doesNotMatch(lines[0] ?? '', /[^.]\.\.(?!\.)|[^.?!] Next:/, code);
    }
  }
});

test('the last line says which trials failed and what works', () => {
  const state: Trial = { what: 'state folder', kind: 'state', fault: null };
  const database: Trial = { ...client('database', 'dns', 'away'), kind: 'database' };
  assert.equal(trialsLine([state]), 'The trial succeeded.');
  assert.equal(trialsLine([database]), 'Failed: database.');
  assert.equal(
    trialsLine([state, database, client('a', 'dns', 'x'), { what: 'b', kind: 'client', fault: null }]),
    'Failed: database, 1 of 2 logins. Works: state folder, 1 of 2 logins.',
  );
});

test('no line of a trial says its subject twice, or ends a message with two stops', () => {
  const subjects = [
    'mail server',
    'replies at imap.example.org:993',
    'notify /usr/bin/page',
    'webhook chat',
    'database',
  ];
  for (const what of subjects) {
    for (const message of [
      `${what}: Authentication failed.`,
      `${what} 127.0.0.1:25: no answer. `,
      'refused...',
      `${what}s`,
    ]) {
      const [line = ''] = failedLines([{ ...client(what, 'dns', message), kind: 'mail' }]);
      assert.equal(line.split(what).length, message.endsWith('s') ? 3 : 2, line);
      assert.ok(line.startsWith(what), line);
      assert.doesNotMatch(line, /\.\.|\. ?\(/);
    }
  }
});
