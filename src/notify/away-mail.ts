import { createHash } from 'node:crypto';

import type { FleetError } from '../errors.ts';
import { escapeControls } from '../log.ts';
import type { AwayTopic } from './away-topic.ts';
import { freezeMail } from './mime.ts';
import { durationInWords } from '../text/durations.ts';
import { escapeMarkup } from '../text/escape-markup.ts';

export interface AwayMail {
  readonly topic: AwayTopic['rule'];
  readonly kind: 'away' | 'back';
  /** Of this machine. */
  readonly host: string;
  /** For whom; null: it is not said (a command, a file). */
  readonly to: string | null;
  readonly from: string;
  readonly domain: string;
  readonly configFile: string;
  readonly sinceMs: number;
  readonly nowMs: number;
  /** Which mail of this absence, from 1. */
  readonly number: number;
  readonly programs: readonly string[];
  /** What the database, or the way to it, answered last; null when it is back. */
  readonly fault: FleetError | null;
}

export interface FrozenAwayMail {
  readonly messageId: string;
  readonly content: string;
}

const work: Readonly<Record<string, string>> = {
  collect: 'Reports are collected all the same and wait sealed in encrypted_stats/.',
  alert: 'No alerts are judged or told meanwhile.',
};

/** A mail that needs no database. The same news to the same person is the same mail. */
export async function composeAwayMail(mail: AwayMail): Promise<FrozenAwayMail> {
  const { host, to, from, sinceMs, nowMs, number, kind, topic } = mail;
  const digest = createHash('sha256')
    .update(JSON.stringify([topic, host, to, sinceMs, kind, number]))
    .digest('hex');
  const messageId = `<${topic}-${digest.slice(0, 24)}@${mail.domain}>`;
  const alertId = createHash('sha256')
    .update(JSON.stringify([topic, host]))
    .digest('hex')
    .slice(0, 32);
  const state = kind === 'back' ? 'resolved' : number === 1 ? 'firing' : 'reminder';
  const lasted = durationInWords(nowMs - sinceMs);
  const { subject, lines } = words[topic][kind](mail, lasted);
  const text = lines.join('\n');
  const content = await freezeMail({
    mail: {
      subject,
      text,
      html: `<pre>${escapeMarkup(text)}</pre>`,
      messageId,
      inReplyTo: null,
      references: [],
      headers: {
        'Auto-Submitted': 'auto-generated',
        'X-Fleet-Health-State': state,
        'X-Fleet-Health-Severity': kind === 'away' ? 'critical' : 'none',
        'X-Fleet-Health-Alert': `${alertId} ${state} critical`,
      },
    },
    from,
    to,
    dateMs: nowMs,
  });
  return { messageId, content };
}

interface Words {
  readonly subject: string;
  readonly lines: readonly string[];
}

type Wording = (mail: AwayMail, lasted: string) => Words;

const words: Readonly<Record<AwayMail['topic'], Readonly<Record<AwayMail['kind'], Wording>>>> = {
  'database-away': {
    away: ({ fault, programs, sinceMs, host, configFile }, lasted) => ({
      subject: `Database away for ${lasted}, seen from ${host}`,
      lines: [
        `The database of fleet-health cannot be used on ${host} since`,
        `${at(sinceMs)}:`,
        '',
        ...faultLines(fault),
        ...programs.flatMap((program) => (program in work ? [work[program] ?? ''] : [])),
        '',
        'One mail follows when it is back. This one was sent without the database,',
        `with ${configFile}.`,
        '',
      ],
    }),
    back: ({ sinceMs, nowMs, host }, lasted) => ({
      subject: `Database back after ${lasted}, seen from ${host}`,
      lines: [
        `The database of fleet-health can be used again on ${host}. It was away`,
        `from ${at(sinceMs)} to ${at(nowMs)}.`,
        '',
        'What was collected meanwhile is stored oldest first, and stands in the history',
        'where it belongs; what it has to say of the past is told as such.',
        '',
      ],
    }),
  },
  'config-broken': {
    away: ({ fault, sinceMs, host, configFile }, lasted) => ({
      subject: `config.xml broken for ${lasted} on ${host}`,
      lines: [
        `${configFile} cannot be used on ${host} since ${at(sinceMs)}:`,
        '',
        ...faultLines(fault),
        'The last configuration that was valid goes on meanwhile: what was changed since',
        'does not count. One mail follows when the file is valid again.',
        '',
      ],
    }),
    back: ({ sinceMs, nowMs, host, configFile }, lasted) => ({
      subject: `config.xml valid again after ${lasted} on ${host}`,
      lines: [`${configFile} is valid again and in use. It was broken`, `from ${at(sinceMs)} to ${at(nowMs)}.`, ''],
    }),
  },
};

function faultLines(fault: FleetError | null): readonly string[] {
  if (fault === null) return [];
  return [`  ${escapeControls(fault.message)} (${fault.code})`, '', `  ${escapeControls(fault.advice)}`, ''];
}

function at(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
