import { durationInWords } from '../../text/durations.ts';
import { alertAbout } from '../../text/alert-label.ts';
import { momentInWords, spanInWords, type TimeReader } from '../../text/time-words.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { FactCell, FactTable } from '../page/page.ts';

/** Returns a table of alerts with their times and worst values. `beside`: the columns that tell them apart. */
export function pastAlerts(
  alerts: readonly Alert[],
  reader: TimeReader,
  { beside, ...head }: Pick<FactTable, 'id' | 'title' | 'about'> & { readonly beside: readonly ('Client' | 'Alert')[] },
): FactTable {
  return {
    ...head,
    columns: [...beside, 'When', 'For', 'Severity', 'Worst value'],
    rows: alerts.map((alert) => {
      const { id, client, severity, firingSinceMs, pendingSinceMs, resolvedAtMs, valueText, progress } = alert;
      const [about, ...label] = alertAbout(alert);
      const link = (text: string): FactCell => ({ text, alert: id ?? 0 });
      const named = { Client: client === '' ? about : { client }, Alert: link(label.join(' ')) };
      const untilMs = resolvedAtMs ?? reader.nowMs;
      const when =
        resolvedAtMs === null
          ? `since ${momentInWords(reader, pendingSinceMs)}`
          : spanInWords(reader, pendingSinceMs, untilMs);
      return {
        cells: [
          ...beside.map((name) => named[name]),
          beside.includes('Alert') ? when : link(when),
          durationInWords(untilMs - pendingSinceMs),
          firingSinceMs === null ? 'never fired' : severity,
          progress.worst?.valueText ?? valueText,
        ],
      };
    }),
  };
}
