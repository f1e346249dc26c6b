/** The true state of the clients, which the run alone decides: whether the process of a rule runs. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import path from 'node:path';

import type { Random } from '../fuzz/random.ts';
import type { FaultSite } from './fault-site.ts';
import type { MailLog } from './mail-log.ts';

export type Change = 'firing' | 'resolved';

export interface Truth {
  /** Every change of a client so far, the oldest first. */
  readonly changesOf: (client: string) => readonly Change[];
  /** Changes clients whose last change is old enough and notified to all recipients. Needs the database. */
  advance(): Promise<void>;
  /** Does the same as `advance`, but lets nothing fire again. Returns true once every alert is closed and notified. */
  retreat(): Promise<boolean>;
  stop(): void;
}

/** Four changes within twelve rows are flapping, which is mailed differently. A long run must not change more often. */
const usualRowsBetween = 6;

interface ClientTruth {
  readonly client: string;
  readonly changes: Change[];
  process: ChildProcess | null;
  /** The time of the last change, in the database's form. Rows collected later show the change. */
  since: string;
}

export interface TruthOptions {
  readonly site: FaultSite;
  readonly mails: MailLog;
  readonly random: Random;
  /** The number of a client's rows that are processed between two of its changes. */
  readonly rowsBetween: number | undefined;
}

export function openTruth({ site, mails, random, rowsBetween = usualRowsBetween }: TruthOptions): Truth {
  const clients = site.clients.map((client): ClientTruth => {
    symlinkSync('/bin/sleep', path.join(site.dir, site.processOf(client)));
    return { client, changes: [], process: null, since: timeText() };
  });

  const stop = (): void => {
    for (const { process } of clients) process?.kill('SIGKILL');
  };
  process.once('exit', stop);

  const isDue = async ({ client, changes, since }: ClientTruth): Promise<boolean> => {
    const last = changes.at(-1);
    const isNotified = site.recipients.every(
      (recipient) => mails.notificationsOf(recipient, client).length >= changes.length,
    );
    if (last !== undefined && !isNotified) return false;
    const sql = `SELECT COUNT(*) AS n FROM stats
      WHERE client = '${client}' AND collected_at > '${since}' AND processed_at IS NOT NULL`;
    return Number((await site.database.rows(sql))[0]?.['n'] ?? 0) >= rowsBetween;
  };

  const change = async (one: ClientTruth): Promise<void> => {
    if (one.process === null) {
      const child = spawn(path.join(site.dir, site.processOf(one.client)), ['1000000'], { stdio: 'ignore' });
      await once(child, 'spawn');
      one.process = child;
      one.changes.push('firing');
    } else {
      const ended = once(one.process, 'exit');
      one.process.kill('SIGKILL');
      await ended;
      one.process = null;
      one.changes.push('resolved');
    }
    one.since = timeText();
  };

  return {
    changesOf: (client) => clients.find((one) => one.client === client)?.changes ?? [],
    advance: async () => {
      // Not all clients at once: otherwise one mail would report all changes.
      for (const one of clients) if (random.below(100) < 40 && (await isDue(one))) await change(one);
    },
    retreat: async () => {
      let isOver = true;
      for (const one of clients) {
        const isDone = await isDue(one);
        // At the end each client must have fired at least once.
        if (one.process !== null || one.changes.length === 0) {
          if (isDone) await change(one);
          isOver = false;
        } else isOver &&= isDone;
      }
      return isOver;
    },
    stop,
  };
}

/** Returns the time of this machine in the form of both databases. */
export function timeText(): string {
  return new Date().toISOString().replace('T', ' ').replace('Z', '');
}
