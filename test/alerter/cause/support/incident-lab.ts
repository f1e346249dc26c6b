/** A simulated fleet of one group that is really collected and alerted, on a clock of its own. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';

import { alert } from '../../../../src/alerter/alerter.ts';
import { explainClient } from '../../../../src/alerter/explain/explain-client.ts';
import type { FoundCause } from '../../../../src/alerter/cause/find-cause.ts';
import { collect } from '../../../../src/collector/collector.ts';
import { loadConfig } from '../../../../src/config/load-config.ts';
import type { Config, StorageConfig } from '../../../../src/config/config.ts';
import { readKeys, username, writeFolder } from '../../../../src/simulator/fleet-folder.ts';
import { type FleetPlan, planFleet } from '../../../../src/simulator/fleet-plan.ts';
import { holdPort } from '../../../../src/simulator/loopback-listeners.ts';
import { startSimulator } from '../../../../src/simulator/simulator.ts';
import { sectionsOf, simulatedStamp } from '../../../../src/simulator/state.ts';
import { openDatabase } from '../../../../src/storage/dialects/open-database.ts';
import { storageOn } from '../../../../src/storage/open-storage.ts';
import type { Storage } from '../../../../src/storage/store/storage.ts';
import { sqlTime } from '../../../../src/storage/sql/sql-time.ts';
import { transportFor } from '../../../../src/transport/transport-for.ts';
import { createTransportShared } from '../../../../src/transport/transport-shared.ts';
import { atTime } from '../../../storage/support/crashing-database.ts';
import { stateItem } from '../../../storage/support/state-samples.ts';
import { makeMigrated } from '../../../support/databases/migrated.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import {
  day,
  type Edit,
  editsOfDay,
  every,
  type Incident,
  linesOf,
  minute,
  type Story,
  visitAt,
} from './fleet-story.ts';

/** The visible result of an incident. */
export interface Outcome {
  /** The lines of mails about changes. */
  readonly lines: readonly string[];
  readonly mail: string;
  /** The changes before the alert of the first failing client. */
  readonly found: FoundCause | null;
}

export interface IncidentLab {
  readonly config: () => Config;
  readonly storage: Storage;
  /** Stores the state of each member as it was after its changes, as visits would have found it. */
  liveUntil(atMs: number): void;
  /** Plays an incident through real runs of the collector and of the alerter. */
  play(incident: Incident): Promise<Outcome>;
}

export type Incidents = (story: Story, index: number, aroundMs: number) => Incident;

export interface LabOptions {
  /** Returns the attributes of a client beside name and address. Default: none. */
  readonly attributesOf?: (member: number) => string;
  /** An empty database. Default: an SQLite file. */
  readonly database?: StorageConfig;
}

export async function openLab(
  t: TestContext,
  story: Story,
  { attributesOf = () => '', database: given }: LabOptions = {},
): Promise<IncidentLab> {
  const { size, startMs, seed } = story;
  const dir = tempFolder(t);
  const held = await holdPort(null);
  t.after(() => held.close());
  let nowMs = startMs;
  const plan: FleetPlan = {
    seed,
    clients: size,
    profile: 'clean',
    port: held.port,
    startedAtMs: startMs,
    everyMs: every,
  };
  writeFolder(dir, plan);
  const fleet = planFleet(plan);
  const clients = fleet.map(
    ({ name, address, index }) => `<client name="${name}" ip="${address}" port="${held.port}" ${attributesOf(index)}/>`,
  );
  writeFileSync(path.join(dir, 'clients.xml'), `<config><group name="web">${clients.join('\n')}</group></config>`, {
    mode: 0o600,
  });
  const file = path.join(dir, 'config.xml');
  const text = readFileSync(file, 'utf8').replace(
    '<alerts>',
    '<alerts groupInterval="1s"><alert name="no-report" for="999x"/>',
  );
  writeFileSync(file, text);
  const loaded = loadConfig({ file });
  const config = { ...loaded, storage: given ?? loaded.storage };
  const edits: (readonly Edit[])[] = Array.from({ length: size }, () => []);
  const failing = new Map<number, string>();
  const past = (member: number, atMs: number): readonly Edit[] =>
    (edits[member] ?? []).filter((edit) => edit.atMs <= atMs);
  const machineOf = ({ index }: { readonly index: number }, atMs: number) => ({
    lines: linesOf(past(index, atMs), index),
    failedUnits: failing.has(index) ? [failing.get(index) ?? ''] : [],
  });
  const simulator = await startSimulator({
    ...readKeys(dir),
    plan,
    first: 0,
    end: size,
    username,
    now: () => nowMs,
    machineOf,
  });
  t.after(() => simulator.close());
  await makeMigrated(config.storage);
  const open = async () => atTime(await openDatabase({ storage: config.storage, program: 'collect' }), () => nowMs);
  const database = await open();
  t.after(() => database.close());
  const storage = storageOn(database);
  const common = {
    config,
    openStorage: async () => storageOn(await open()),
    signal: new AbortController().signal,
    dryRun: false,
    host: 'mon-1',
  };
  const nameOf = (member: number): string => fleet[member]?.name ?? '';
  const shared = createTransportShared({ config });
  t.after(() => shared.close());

  const visit = async (atMs: number, members: readonly number[]): Promise<void> => {
    nowMs = atMs;
    const result = await collect({
      ...common,
      only: new Set(members.map(nameOf)),
      transportFor: (client) => transportFor(client, shared),
      retries: 0,
      observe: () => undefined,
      now: () => nowMs,
    });
    if (result.succeeded !== members.length) throw new Error(`visits failed: ${JSON.stringify(result)}`);
  };
  const pass = async (atMs: number): Promise<string> => {
    nowMs = atMs;
    const texts: string[] = [];
    await alert({
      ...common,
      observe: (event) => {
        if (event.kind === 'composed') texts.push(event.text);
      },
      now: () => nowMs,
    });
    return texts.join('\n');
  };
  let days = 0;
  let stored = -1;
  return {
    config: () => config,
    storage,
    liveUntil: (atMs) => {
      for (; startMs + days * 86_400_000 < atMs; days++)
        for (const edit of editsOfDay(story, days)) edits[edit.member] = [...(edits[edit.member] ?? []), edit];
    },
    play: async ({ edits: planted, failing: members, failsAtMs, unit }) => {
      for (const edit of planted)
        edits[edit.member] = [...(edits[edit.member] ?? []), edit].sort((one, other) => one.atMs - other.atMs);
      const concerned = [...new Set([...members, ...planted.map(({ member }) => member)])];
      const firstMs = Math.min(failsAtMs, ...planted.map(({ atMs }) => atMs));
      const changedAt = visitAt(firstMs);
      const failedAt = visitAt(failsAtMs);
      await storeHistory(changedAt - 2 * every);
      await visit(changedAt - every, concerned);
      if (changedAt < failedAt) await visit(changedAt, concerned);
      if (changedAt < failedAt - every) await visit(failedAt - every, concerned);
      for (const member of members) failing.set(member, unit);
      await visit(failedAt, concerned);
      const mail = await pass(failedAt + minute);
      await visit(failedAt + every, concerned);
      const client = config.clients.find(({ name }) => name === nameOf(members[0] ?? 0));
      if (client === undefined) throw new Error('no such client');
      const explained = await explainClient({
        config,
        storage,
        isWanted: (rule) => rule === 'service',
        nowMs,
        firstPass: false,
        client,
      });
      failing.clear();
      await visit(failedAt + 6 * every, concerned);
      return {
        mail,
        lines: changeLines(mail),
        found: explained.rules[0]?.alerts.find(({ alert }) => alert.subject === unit)?.changed ?? null,
      };
    },
  };

  async function storeHistory(untilMs: number): Promise<void> {
    const looks = edits.flatMap((own, member) =>
      [
        ...new Set(
          own.filter(({ atMs }) => atMs > stored && visitAt(atMs) <= untilMs).map(({ atMs }) => visitAt(atMs)),
        ),
      ].map((atMs) => ({ atMs, member })),
    );
    // Each member's state is read once a day, too.
    for (let atMs = startMs; atMs <= untilMs; atMs += day)
      if (atMs > stored) looks.push(...edits.map((_, member) => ({ atMs, member })));
    looks.sort((one, other) => one.atMs - other.atMs || one.member - other.member);
    for (let start = 0; start < looks.length;) {
      const atMs = looks[start]?.atMs ?? 0;
      const same = looks.filter((look) => look.atMs === atMs);
      start += same.length;
      nowMs = atMs;
      const update = (sql: string, valuesOf: (member: number) => readonly string[]): Promise<void> =>
        database.write(async (session) => {
          for (const { member } of same)
            await session.run(`UPDATE clients SET ${sql} WHERE name = ?`, [...valuesOf(member), nameOf(member)]);
        });
      // Visits every five minutes would have left this.
      await update('state_same_at = ?', () => [sqlTime(atMs - every)]);
      const machines = new Map(same.map(({ member }) => [member, machineOf({ index: member }, atMs)]));
      await storage.reports.ingest(
        [...machines].map(([member, machine]) => stateItem(nameOf(member), atMs + 2000, sectionsOf(machine))),
      );
      await update('state_runs = 0, state_stamp = ?, state_at = ?', (member) => [
        simulatedStamp(machines.get(member) ?? { lines: {}, failedUnits: [] }),
        sqlTime(atMs),
      ]);
    }
    stored = untilMs;
  }
}

/** Returns the sentences about changes of a mail, each as one line. */
export function changeLines(mail: string): readonly string[] {
  return [...mail.matchAll(/Changed before it:[\s\S]*?\.(?=\n {0,4}\S|\n\n)/g)].map(([text]) =>
    text.replace(/\s+/g, ' '),
  );
}
