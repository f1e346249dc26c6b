/**
 * The mail server of a fault run, in a separate process so that it can be killed. It syncs an accepted mail to its
 * journal before it answers 250. Arguments: its folder, and the port, 0 for any. Prints its port on stdout.
 */
import { closeSync, fsyncSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import path from 'node:path';

import { startSmtpServer, type SmtpMoment, type SmtpPhase } from '../support/servers/smtp-server.ts';
import { mailFiles } from './mail-server-files.ts';

/**
 * The instant at which the server kills itself: before it sends the answer of a phase, or once the kernel has the
 * answer. `taken` is the instant of MailEntry.
 */
export interface MailPlan {
  readonly phase: SmtpPhase | 'taken';
  readonly when: 'before' | 'after';
}

/** A line of the journal: a mail that the server is responsible for from here on. */
export interface MailEntry {
  readonly to: string;
  readonly content: string;
  readonly atMs: number;
}

const [, , dir = '.', port = '0'] = process.argv;
const journal = openSync(path.join(dir, mailFiles.journal), 'a', 0o600);
let recipient = '';

function planned(): MailPlan | null {
  try {
    return JSON.parse(readFileSync(path.join(dir, mailFiles.plan), 'utf8')) as MailPlan;
  } catch {
    return null;
  }
}

function strikeAt(phase: MailPlan['phase'], when: MailPlan['when']): void {
  const plan = planned();
  if (plan?.phase !== phase || plan.when !== when) return;
  unlinkSync(path.join(dir, mailFiles.plan));
  const strikes = openSync(path.join(dir, mailFiles.strikes), 'a', 0o600);
  writeSync(strikes, `${JSON.stringify(plan)}\n`);
  closeSync(strikes);
  process.kill(process.pid, 'SIGKILL');
}

function act({ phase, line }: SmtpMoment): undefined {
  strikeAt(phase, 'before');
  if (phase === 'rcpt') recipient = /<(.*?)>/.exec(line)?.[1] ?? '';
  if (phase === 'dot') {
    const entry: MailEntry = { to: recipient, content: line, atMs: Date.now() };
    writeSync(journal, `${JSON.stringify(entry)}\n`);
    fsyncSync(journal);
    strikeAt('taken', 'after');
  }
  // The answer is written after this function has returned.
  queueMicrotask(() => strikeAt(phase, 'after'));
  return undefined;
}

void startSmtpServer({ act, port: Number(port) }).then((server) => process.stdout.write(`${server.port}\n`));
