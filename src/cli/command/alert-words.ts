import type { HeldBack } from '../../alerter/inhibit/held-back.ts';
import { counted } from '../../text/numbers.ts';
import { jsonTime, type ReaderTime } from '../terminal/reader-time.ts';

/** Names a silence or a window, and its end. */
export function coverText({ silence, untilMs }: Pick<HeldBack, 'silence' | 'untilMs'>, { moment }: ReaderTime): string {
  return `${silence === null ? 'window' : `silence ${silence}`} until ${moment(untilMs)}`;
}

/** Lists the silences and windows that hold back alerts, with their counts, and counts the others in force. */
export function heldBackText(held: readonly HeldBack[], time: ReaderTime): string {
  const idle = held.filter(({ alerts }) => alerts === 0);
  const [first] = idle;
  const rest =
    first === undefined
      ? []
      : [
          idle.length === 1
            ? `${coverText(first, time)} holds back nothing`
            : `${idle.length} others hold back nothing`,
        ];
  const holding = held.filter(({ alerts }) => alerts > 0);
  return [...holding.map((one) => `${coverText(one, time)} holds back ${counted(one.alerts, 'alert')}`), ...rest].join(
    ', ',
  );
}

/** The silences and windows in force as JSON. */
export function heldBackJson(held: readonly HeldBack[]): readonly object[] {
  return held.map(({ silence, untilMs, alerts }) => ({ ...coverJson({ silence, untilMs }), alerts }));
}

/** A silence or a window as JSON. */
export function coverJson({ silence, untilMs }: Pick<HeldBack, 'silence' | 'untilMs'>): object {
  return { kind: silence === null ? 'window' : 'silence', silence, until: jsonTime(untilMs) };
}

/** The reason why a mail was dropped. */
export const droppedWords = 'config.xml no longer names this recipient';

/** Returns the client's name, or `(fleet)` for an alert about the fleet as a whole. */
export function clientText(client: string): string {
  return client === '' ? '(fleet)' : client;
}

/** Returns the text with a capital at its beginning. */
export function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
