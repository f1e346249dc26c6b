// Second tier: a terminal for each question.
/** `trust` on a terminal, which `script` provides. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { startLoopbackFleet, type LoopbackFleet } from '../support/fleets/loopback-fleet.ts';
import { onTerminal, withoutTerminal as skip } from '../support/programs/terminal.ts';

/** Runs trust on a terminal and types `typed` at its question. */
async function trustOnTerminal(
  fleet: LoopbackFleet,
  typed: string,
): Promise<{ status: number | null; screen: string }> {
  const config = path.join(fleet.dir, 'config.xml');
  let hasTyped = false;
  return await onTerminal(['-c', config, 'trust'], {
    env: { TERM: 'dumb' },
    onScreen: (screen, type) => {
      if (hasTyped || !screen.includes('[y/N]')) return;
      hasTyped = true;
      type(typed);
    },
  });
}

async function newFleet(t: TestContext): Promise<LoopbackFleet> {
  return await startLoopbackFleet(t, 2, { trusted: false });
}

function knownHosts(fleet: LoopbackFleet): boolean {
  return existsSync(path.join(fleet.dir, 'state', 'known_hosts'));
}

test('one question for all of them, after their fingerprints; y trusts', { skip }, async (t) => {
  const fleet = await newFleet(t);
  const { status, screen } = await trustOnTerminal(fleet, 'y\n');
  assert.equal(status, 0, screen);
  assert.equal(screen.split('Trust these 2 keys? [y/N]').length, 2, screen);
  for (const server of fleet.servers) {
    assert.ok(screen.indexOf(server.fingerprint) < screen.indexOf('[y/N]') && screen.includes(server.fingerprint));
  }
  assert.ok(knownHosts(fleet));
});

for (const [title, typed] of [
  ['n', 'n\n'],
  ['only Enter', '\n'],
  ['the end of input', '\u0004'],
  ['anything else', 'yikes\n'],
] as const) {
  test(`${title} is a no: nothing is written, exit status 1`, { skip }, async (t) => {
    const fleet = await newFleet(t);
    const { status, screen } = await trustOnTerminal(fleet, typed);
    assert.equal(status, 1, screen);
    assert.match(screen, /Nothing was trusted\./);
    assert.ok(!knownHosts(fleet));
  });
}

test('a terminal that moves no cursor and shows no UTF-8 is sent neither escapes nor blocks', { skip }, async (t) => {
  const { screen } = await trustOnTerminal(await newFleet(t), 'y\n');
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(screen, /[\u001b\u0080-\uffff]/);
});

test('Ctrl-C at the question ends it with 1, and nothing is written', { skip }, async (t) => {
  const fleet = await newFleet(t);
  const { status, screen } = await trustOnTerminal(fleet, '\u0003');
  assert.equal(status, 1, screen);
  assert.match(screen, /ended by SIGINT/);
  assert.ok(!knownHosts(fleet));
});
