/** The mails that the mail server accepted, by its own journal: people got these, whatever the database records. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

import type { MailEntry } from './mail-server.ts';
import { mailFiles } from './mail-server-files.ts';
import type { Change } from './truth.ts';

export interface MailLog {
  /**
   * Reads the new mails after a round. A mail may come again only if the round of its earlier copy was `broken`: in it
   * a process between the alerter and the server was killed. The database must also not have recorded it as sent
   * (`marked`) before this round. A database that forgets also forgets the content of a mail. Then the same changes may
   * come in another mail, unless the alerter has a line about the first (`remembered`).
   */
  readOn(round: MailRound): void;
  /** Returns a recipient's notifications of a client in the order of arrival. A mail that came twice counts once. */
  notificationsOf(recipient: string, client: string): readonly Change[];
  readonly figures: MailFigures;
}

export interface MailRound {
  readonly marked: ReadonlySet<string>;
  readonly broken: boolean;
  /** The Message-IDs in the files `sent`; null for a database that does not forget. */
  readonly remembered: ReadonlySet<string> | null;
}

export interface MailFigures {
  /** The number of mails. Each Message-ID counts once. */
  readonly mails: number;
  /**
   * The number of repeated mails that may have been delivered: the alerter did not read the server's 250, or could not
   * store it.
   */
  readonly possiblyDelivered: number;
  /** Mails that came again although they were known as sent. Must be empty. */
  readonly doubled: readonly string[];
  /** Message-IDs that came with two contents. Must be empty. */
  readonly changed: readonly string[];
  /** Sections of mails that report neither a change nor anything else that is expected here. Must be empty. */
  readonly strange: readonly string[];
}

export function openMailLog(dir: string): MailLog {
  const file = path.join(dir, mailFiles.journal);
  const contents = new Map<string, string>();
  /** Mails whose last copy came in a broken round. */
  const doubtful = new Set<string>();
  const notified = new Map<string, Change[]>();
  /** The mails with the last change of each recipient and client. */
  const lastMails = new Map<string, string>();
  const faults = { doubled: [] as string[], changed: [] as string[], strange: [] as string[] };
  const figures = { mails: 0, possiblyDelivered: 0, ...faults };
  let read = 0;

  const take = ({ to, content }: MailEntry, { marked, broken, remembered }: MailRound): void => {
    const id = /^Message-ID: (<.*>)\r?$/im.exec(content)?.[1] ?? '';
    const before = contents.get(id);
    if (before !== undefined) {
      if (before !== `${to}\n${content}`) figures.changed.push(id);
      if (marked.has(id) || !doubtful.has(id)) figures.doubled.push(id);
      else figures.possiblyDelivered += 1;
      if (!broken) doubtful.delete(id);
      return;
    }
    contents.set(id, `${to}\n${content}`);
    if (broken) doubtful.add(id);
    figures.mails += 1;
    let isRepeated = false;
    for (const { client, change, heading } of newsIn(content)) {
      const key = `${to} ${client}`;
      const known = notified.get(key) ?? [];
      const last = lastMails.get(key) ?? '';
      if (change === null) figures.strange.push(`${to}: ${heading}: ${client}`);
      else if (known.at(-1) === change && doubtful.has(last) && remembered?.has(last) === false) isRepeated = true;
      else notified.set(key, [...known, change]);
      lastMails.set(key, id);
    }
    if (isRepeated) figures.possiblyDelivered += 1;
  };

  return {
    figures,
    notificationsOf: (recipient, client) => notified.get(`${recipient} ${client}`) ?? [],
    readOn: (round) => {
      if (!existsSync(file)) return;
      const lines = readFileSync(file, 'utf8').split('\n');
      // The text after the last line break is incomplete.
      lines.pop();
      for (const line of lines.slice(read)) take(JSON.parse(line) as MailEntry, round);
      read = lines.length;
    },
  };
}

interface News {
  readonly heading: string;
  readonly client: string;
  /** The change by the section's heading; null for another heading. */
  readonly change: Change | null;
}

const changeOf: Readonly<Record<string, Change>> = { CRITICAL: 'firing', RESOLVED: 'resolved' };

/** Returns the clients at the beginning of lines in a mail's plain text, each with the heading of its section. */
function newsIn(content: string): readonly News[] {
  const [, body = ''] = /Content-Type: text\/plain[^]*?\r\n\r\n([^]*?)\r\n-{72}\r\n/.exec(content) ?? [];
  const news: News[] = [];
  let heading = '';
  for (const line of body.split('\r\n')) {
    const begun = /^([A-Z][A-Z ,-]*) \(\d+\) =+$/.exec(line)?.[1];
    if (begun !== undefined) heading = begun;
    const client = /^(\S+): process /.exec(line)?.[1];
    if (client !== undefined) news.push({ heading, client, change: changeOf[heading] ?? null });
  }
  return news;
}
