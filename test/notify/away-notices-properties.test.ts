import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import type { Config } from '../../src/config/config.ts';
import { FleetError } from '../../src/platform/errors/errors.ts';
import { AwayNotices } from '../../src/notify/away-notices.ts';
import { configBroken, databaseAway, type AwayTopic } from '../../src/notify/away-state.ts';
import { makeConfig } from '../support/fleets/fleet.ts';
import { startHttpReceiver, type HttpReceiver } from '../support/servers/http-receiver.ts';
import { isWide } from '../support/long-tests.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { webhookConfig } from './support/notices.ts';
import { recipientOf } from '../../src/config/values/recipient-kinds.ts';

const minuteMs = 60_000;
const names = ['one', 'two', 'three'] as const;
const programs = ['collect', 'alert'] as const;
const statuses = [200, 503, 500, 404, 302] as const;

/** A span of minutes in which the outage lasts or not, and the answers of the three receivers. */
const span = fc.record({
  minutes: fc.constantFrom(1, 4, 6, 12, 40),
  isAway: fc.boolean(),
  answers: fc.tuple(...names.map(() => fc.constantFrom(...statuses))),
});

interface World {
  readonly run: (program: (typeof programs)[number], minute: number, isAway: boolean) => Promise<void>;
  /** The accepted notices by receiver, as their states. */
  readonly accepted: ReadonlyMap<string, string[]>;
  readonly answer: (answers: readonly number[]) => void;
}

function openWorld(receiver: HttpReceiver, topic: AwayTopic, stateDir: string): World {
  const base = makeConfig(stateDir, []);
  const everything = { severity: null, rules: [], hours: null, afterMs: null } as const;
  const recipients = names.map((name) => ({ to: recipientOf('webhook', name), ...everything }));
  const webhooks = names.map((name) => webhookConfig(`${receiver.origin}/${name}`, { name }));
  const alerts = { ...base.alerts, repeatMs: 12 * 60 * minuteMs, recipients };
  const config: Config = { ...base, webhooks, alerts, stateDir };
  const accepted = new Map<string, string[]>(names.map((name) => [name, []]));
  let answers: readonly number[] = names.map(() => 200);
  receiver.act((post) => {
    const name = post.path.slice(1);
    const status = answers[names.findIndex((one) => one === name)] ?? 200;
    if (status === 200) accepted.get(name)?.push((JSON.parse(post.body) as { status: string }).status);
    return { status };
  });
  const run = async (program: (typeof programs)[number], minute: number, isAway: boolean): Promise<void> => {
    const now = (): number => Date.UTC(2026, 10, 20, 10) + minute * minuteMs;
    const { signal } = new AbortController();
    const notices = new AwayNotices({ topic, config, program, host: 'mon-1', now, signal });
    const code = topic === databaseAway ? 'storage-unavailable' : 'config-broken';
    const stage = topic === databaseAway ? 'storage' : 'config';
    if (isAway) notices.heed(new FleetError({ code, stage, message: 'away' }));
    await notices.end(!isAway);
  };
  return { run, accepted, answer: (given) => void (answers = given) };
}

/** Checks that ends follow beginnings, and that nobody got the same news twice. */
function assertStory(name: string, states: readonly string[]): void {
  const isAlternating = states.every((state, index) => (state === 'firing') === (index % 2 === 0));
  assert.ok(isAlternating, `${name}: ${states.join(', ')}`);
}

const pairs = fc.tuple(fc.constantFrom(databaseAway, configBroken), fc.array(span, { minLength: 2, maxLength: 6 }));

test('nobody untold: whoever is due is reached or tried again, whatever other channels did', async (t) => {
  const receiver = await startHttpReceiver();
  t.after(() => receiver.stop());
  const root = tempFolder();
  let worlds = 0;
  const play = async ([topic, spans]: typeof pairs extends fc.Arbitrary<infer T> ? T : never): Promise<void> => {
    const stateDir = path.join(root, String(worlds++));
    mkdirSync(stateDir);
    const world = openWorld(receiver, topic, stateDir);
    let minute = 0;
    const pass = async (isAway: boolean): Promise<void> => {
      for (const program of programs) await world.run(program, minute, isAway);
      minute += 1;
      for (const [name, states] of world.accepted) assertStory(name, states);
    };
    for (const { minutes, isAway, answers } of spans) {
      world.answer(answers);
      for (const end = minute + minutes; minute < end;) await pass(isAway);
    }
    world.answer(names.map(() => 200));
    for (const end = minute + 62; minute < end;) await pass(true);
    for (const [name, states] of world.accepted) assert.equal(states.at(-1), 'firing', `${name} knows of the outage`);
    for (const end = minute + 62; minute < end;) await pass(false);
    for (const [name, states] of world.accepted) assert.equal(states.at(-1), 'resolved', `${name} knows of the end`);
  };
  const numRuns = isWide ? 40 : 2;
  await fc.assert(fc.asyncProperty(pairs, play), { seed: 20261125, numRuns, endOnFailure: true });
});
