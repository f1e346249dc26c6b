import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { test } from 'node:test';

import type { DueMail } from '../../../src/alerter/dispatch/notification-plan.ts';
import type { StorageConfig } from '../../../src/config/config.ts';
import { sqliteConfig } from '../../storage/support/sqlite-config.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { at } from './rows.ts';
import { stationFor, type Says, type Station } from './station.ts';
import { paragraphsOf } from './story.ts';
import { clock } from './time-line.ts';

const minuteMs = 60_000;

export interface PassStories {
  /** Creates an empty database. Default: a file of SQLite. */
  readonly create?: () => Promise<StorageConfig>;
  /** The elements of config.xml for a story without elements of its own. */
  readonly elements?: string;
  /**
   * The number of passes that the database forgets after each pass; operators' work is never forgotten. A pass follows,
   * then the collector stores again what was lost, and another pass follows. None of this changes the mails.
   */
  readonly forgets?: number;
}

/**
 * Defines a test for each paragraph of a text, with a real database, a real configuration and a mail server. A
 * paragraph has a name, elements of config.xml, events, and the received mails with the times of their passes. A pass
 * follows a collector's run after a minute unless the alerter is stopped:
 *
 *   08:00 web-1 disk / 96 | web-2 fails dns       a run; clients that are not named are healthy
 *   08:05-19:55 web-1 disk / 96                   one each `every`
 *   08:00 by collector-2 on mon-2                 a run of another collector; all clients are healthy
 *   08:00 killed web-1 disk / 96                  a run whose end is never stored
 *   08:00 collector clock +180                    its clock is 180 minutes ahead of the database's from now on
 *   08:02 pass                                    or 08:02-09:02 pass, one each `every`
 *   08:02 alerter stops | 09:00 alerter starts
 *   08:02 silence web-* until 09:00
 *   08:02 ack web-1                              or 08:02 ack web-1 until 09:00 by ops@example.org
 *   08:02 server down | 09:00 server up
 *   08:02 config NAME                             the elements of a line `NAME = <...>`
 *   smtp = maxMailsPerHour="1"                    attributes of <smtp>
 *   08:02 forget COLLECTOR
 *   08:02 rename OLD NEW                          as the collector does
 */
export function passStories(text: string, options: PassStories = {}): void {
  for (const { name, elements, happens, notified } of paragraphsOf(text)) {
    test(name, async (t) => {
      const storage = (await options.create?.()) ?? sqliteConfig(path.join(dir, `${randomUUID()}.db`));
      const settings: Record<string, string> = {};
      const events = happens.filter((line) => {
        const [, key, value] = /^(\w+) = (.*)$/.exec(line) ?? [];
        if (key !== undefined && value !== undefined) settings[key] = value;
        return key === undefined;
      });
      const own = { elements: elements || (options.elements ?? ''), smtp: settings['smtp'] ?? '' };
      const station = await stationFor(t, { storage, ...own });
      const { forgets = null } = options;
      // Ids are given anew after a loss.
      const plain = (lines: readonly string[]): readonly string[] =>
        forgets === null ? lines : lines.map((line) => line.replace(/ \(instead of [\d, ]+\)/, ''));
      assert.deepEqual(plain(await play(station, events, settings, forgets ?? 0)), plain(notified));
    });
  }
}

const dir = tempFolder();

async function play(
  station: Station,
  happens: readonly string[],
  configs: Readonly<Record<string, string>>,
  forgets = 0,
): Promise<readonly string[]> {
  const notified: string[] = [];
  let isRunning = true;
  let aheadMs = 0;
  const makePass = async (): Promise<void> => {
    const { arrived } = await station.pass();
    notified.push(
      ...arrived.map(({ sentence, mail }) => `${clock(station.nowMs())} ${sentence}${peculiarities(mail)}`),
    );
  };
  let copies: { readonly runs: number; readonly lose: () => Promise<void> }[] = [];
  const copy = async (): Promise<void> => {
    if (forgets > 0) copies.push({ runs: station.collected(), ...(await station.snapshot()) });
  };
  const pass = async (): Promise<void> => {
    await makePass();
    const lost = copies.slice(-forgets)[0];
    if (forgets > 0 && lost !== undefined) {
      await lost.lose();
      await makePass();
      await station.storeAgain(lost.runs);
      await makePass();
    }
    await copy();
  };
  await copy();
  for (const line of happens) {
    const time = '(?:\\+\\d+ )?\\d\\d:\\d\\d';
    const [, from = '', until = from, said = ''] = new RegExp(`^(${time})(?:-(${time}))? ?(.*)$`).exec(line) ?? [];
    station.at(from);
    const words = said.split(' ');
    if (words[0] === 'alerter') isRunning = words[1] === 'starts';
    else if (words[0] === 'collector') aheadMs = Number(words[2]) * minuteMs;
    else if (words[0] === 'silence') await silence(station, words[1] ?? '', at(words.slice(3).join(' ')));
    else if (words[0] === 'rename') await station.storage.retention.renameClient(words[1] ?? '', words[2] ?? '');
    else if (words[0] === 'forget') await station.storage.retention.forgetCollector(words[1] ?? '');
    else if (words[0] === 'ack') await acknowledge(station, words[1] ?? '', words[3], words[5]);
    else if (words[0] === 'server') {
      station.act(words[1] === 'down' ? () => '421 4.3.2 not now' : () => undefined);
    } else if (words[0] === 'config') station.configure(configs[words[1] ?? ''] ?? '');
    else {
      for (let runAtMs = at(from); runAtMs <= at(until); runAtMs += station.config().collector.everyMs) {
        station.at(runAtMs);
        if (said === 'pass') {
          await pass();
          continue;
        }
        const [, collectorId, host] = /^by (\S+) on (\S+)$/.exec(said) ?? [];
        if (collectorId !== undefined && host !== undefined) await station.collect({}, { collectorId, host, aheadMs });
        else if (words[0] === 'killed')
          await station.collect(saysOf(words.slice(1).join(' ')), { unfinished: true, aheadMs });
        else await station.collect(saysOf(said), { aheadMs });
        if (!isRunning) continue;
        station.at(runAtMs + minuteMs);
        await pass();
      }
      continue;
    }
    copies = [];
    await copy();
  }
  return notified;
}

/** Returns the properties of a mail that its sentence omits. */
function peculiarities(mail: DueMail | null): string {
  const folds = (mail?.sections ?? []).flatMap(({ rules }) => rules.flatMap(({ lines }) => lines));
  const sources = folds.flatMap(({ fold }) => (fold?.kind === 'export' ? [` (export ${fold.source})`] : []));
  return `${mail?.alreadyTrue === true ? ' (already true)' : ''}${sources.join('')}`;
}

function saysOf(said: string): Says {
  const parts = said.split('|').map((part) => part.trim());
  return Object.fromEntries(
    parts
      .filter((part) => part !== '')
      .map((part) => [part.split(' ')[0] ?? '', part.slice(part.indexOf(' ') + 1)] as const),
  );
}

/** Silences clients from now on. */
export async function silence(station: Station, client: string, endsAtMs: number): Promise<void> {
  const startsAtMs = station.nowMs();
  const text = { rule: '', subject: '', author: 'kim', comment: '' };
  await station.storage.operator.addSilence({ client, startsAtMs, endsAtMs, ...text });
}

/** Acknowledges the open alerts of a client, or of all clients if none is given. */
export async function acknowledge(
  { storage }: Station,
  client?: string,
  until: string | null = null,
  by = 'kim',
): Promise<void> {
  const filter = { openOnly: true, limit: 10, ...(client === undefined ? {} : { client }) };
  const open = await storage.alertHistory.alertsOf(filter);
  const ids = open.flatMap(({ id }) => id ?? []);
  await storage.operator.acknowledge(ids, by, until === null ? null : at(until), null);
}
