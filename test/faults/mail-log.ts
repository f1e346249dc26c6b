/** The mails that the mail server accepted, from its own journal: what people know, whatever the database says. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

import type { MailEntry } from './mail-server.ts';
import { mailFiles } from './mail-server-files.ts';
import type { Change } from './truth.ts';

export interface MailLog {
  /**
   * Reads on after a round. A mail may come again only if the round in which it came before was `broken`, somebody
   * between the alerter and the server being killed in it, and the database did not know it as sent (`marked`) before
   * this one.
   */
  readOn(round: { readonly marked: ReadonlySet<string>; readonly broken: boolean }): void;
  /** Returns a recipient's notifications of a client in the order of arrival. A mail that came twice counts once. */
  notificationsOf(recipient: string, client: string): readonly Change[];
  readonly figures: MailFigures;
}

export interface MailFigures {
  /** Mails, each Message-ID once. */
  readonly mails: number;
  /** Came again after the server had taken them and nobody had read its 250, or nobody could store that. */
  readonly possiblyDelivered: number;
  /** Came again although they were known as sent. Must be none. */
  readonly doubled: readonly string[];
  /** Message-IDs that came with two contents. Must be empty. */
  readonly changed: readonly string[];
  /** Said something that is neither news of a change nor expected here. */
  readonly strange: readonly string[];
}

export function openMailLog(dir: string): MailLog {
  const file = path.join(dir, mailFiles.journal);
  const contents = new Map<string, string>();
  /** Mails whose last copy came in a round that was broken off. */
  const doubtful = new Set<string>();
  const notified = new Map<string, Change[]>();
  const faults = { doubled: [] as string[], changed: [] as string[], strange: [] as string[] };
  const figures = { mails: 0, possiblyDelivered: 0, ...faults };
  let read = 0;

  const take = ({ to, content }: MailEntry, marked: ReadonlySet<string>, broken: boolean): void => {
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
    for (const { client, change, heading } of newsIn(content)) {
      if (change === null) figures.strange.push(`${to}: ${heading}: ${client}`);
      else notified.set(`${to} ${client}`, [...(notified.get(`${to} ${client}`) ?? []), change]);
    }
  };

  return {
    figures,
    notificationsOf: (recipient, client) => notified.get(`${recipient} ${client}`) ?? [],
    readOn: ({ marked, broken }) => {
      if (!existsSync(file)) return;
      const lines = readFileSync(file, 'utf8').split('\n');
      // The text after the last line break is incomplete.
      lines.pop();
      for (const line of lines.slice(read)) take(JSON.parse(line) as MailEntry, marked, broken);
      read = lines.length;
    },
  };
}

interface News {
  readonly heading: string;
  readonly client: string;
  /** null: another heading than those of changes. */
  readonly change: Change | null;
}

const changeOf: Readonly<Record<string, Change>> = { CRITICAL: 'firing', RESOLVED: 'resolved' };

/** The lines of a mail's plain text: a section's heading, and what stands in it at the beginning of a line. */
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
