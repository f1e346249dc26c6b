import { mostUrgentOfClient } from '../../alerter/dispatch/group-interval.ts';
import type { HoldReason } from '../../alerter/inhibit/hold-reason.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { acknowledgedText } from '../command/alert-words.ts';
import type { ReaderTime } from '../terminal/reader-time.ts';

/** Describes why nobody is notified. `alert` is null if no alert is open yet. */
export function heldWords(reason: HoldReason, alert: Alert | null, time: ReaderTime): string {
  const { moment } = time;
  switch (reason.kind) {
    case 'silence':
      return `silence ${reason.id} until ${moment(reason.untilMs)}`;
    case 'window':
      return `a window of config.xml until ${moment(reason.untilMs)}`;
    case 'unconfirmed':
      return "a silence or window has ended, and the client's next row must confirm it first";
    case 'returning':
      return 'its newest row is on the way back, so the next one decides';
    case 'paused':
      return `the client is paused${reason.untilMs === null ? '' : ` until ${moment(reason.untilMs)}`}`;
    case 'unreachable':
      return 'the client cannot be reached, which is reported instead; the rest waits for its first new row';
    case 'isolated':
      return "nearly all clients were out of reach at once: the collector's own network is reported instead";
    case 'collector-silent':
      return 'the collector is silent, which is reported instead';
    case 'bastion':
      return `bastion ${reason.name} is gone, which is reported instead`;
    case 'worse-rule':
      return `${reason.rule}, which is worse, is reported instead`;
    case 'nearly-full':
      return `${reason.rule} of the same file system fires, or did when this was evaluated last`;
    case 'acknowledged':
      return `${alert === null ? 'acknowledged' : acknowledgedText(alert, time)}; no reminders`;
    case 'flapping':
      return 'it flaps, which was reported; the true state follows after 3 rows that stay bad, or 12 quiet ones';
    case 'run':
      return `run ${reason.runId} of the collector has not ended yet`;
    case 'hours':
      return `outside of the hours of this recipient, which begin ${moment(reason.untilMs)}`;
    case 'group-interval':
      return `warnings and recoveries are gathered until ${moment(reason.untilMs)} (groupInterval)`;
    case 'urgent-mails':
      return `${mostUrgentOfClient} mails of its client an hour; more is gathered until ${moment(reason.untilMs)}`;
    case 'cap':
      return `no more mails than maxMailsPerHour until ${moment(reason.untilMs)}`;
    case 'older-mail':
      return `mail ${reason.mailId}, which speaks of it, waits to be sent and must come first`;
    case 'nobody':
      return 'config.xml names nobody who is notified of this severity';
  }
}
