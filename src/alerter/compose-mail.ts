import type { Config } from '../config/config.ts';
import { sender } from '../config/mail-settings.ts';
import type { MailText } from '../notify/mime.ts';
import type { SeriesPoint } from '../storage/alert-store.ts';
import { composeHtml } from './compose-html.ts';
import { composeSubject } from './compose-subject.ts';
import { composeText } from './compose-text.ts';
import { wordsOfMail } from './mail-words.ts';
import { domainOf, messageIdOf, threadsOf } from './message-ids.ts';
import type { DueMail } from './telling.ts';

export interface ComposeOptions {
  readonly mail: DueMail;
  readonly config: Config;
  readonly nowMs: number;
  /** Values of the last day, in the unit of the alert's rule, by alert id; who has none is drawn no picture. */
  readonly charts: ReadonlyMap<number, readonly SeriesPoint[]>;
  /** Distribution or kernel by client; left out: none is known. */
  readonly systems?: ReadonlyMap<string, string>;
  /** As people call it on their command line: `fleet-health`. */
  readonly program: string;
}

/**
 * A mail that is due in words. The same mail at the same time gives the same words.
 *
 * Auto-Submitted (RFC 3834) and X-Auto-Response-Suppress keep people's out-of-office answers away; List-Id is something
 * that every mail program can sort by. There is no Precedence: some mail servers put off what says `bulk`.
 */
export function composeMail(options: ComposeOptions): MailText {
  const { mail, config, nowMs, charts, systems = new Map<string, string>(), program } = options;
  const { recipient, items, severity, ordinary } = mail;
  const domain = domainOf(config.smtp?.from ?? sender());
  const wording = { config, reader: { zone: config.alerts.zone, nowMs }, charts, systems, program };
  const words = wordsOfMail(mail, wording);
  const subject = composeSubject(mail, wording);
  const references = threadsOf(recipient, items, domain);
  return {
    subject,
    text: composeText(words),
    html: composeHtml(subject, words),
    messageId: messageIdOf(recipient, items, domain),
    inReplyTo: references.at(-1) ?? null,
    references,
    headers: {
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      'List-Id': `Fleet Health <fleet-health.${domain}>`,
      'X-Fleet-Health-Severity': severity,
      ...(severity === 'critical' && !ordinary ? { Importance: 'high' } : {}),
    },
  };
}
