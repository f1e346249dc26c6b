import type { HeldBack } from '../../alerter/inhibit/held-back.ts';
import { counted } from '../../text/numbers.ts';
import { jsonTime, type ReaderTime } from '../terminal/reader-time.ts';

/** A silence or a window, and when it ends. */
export function coverText({ silence, untilMs }: Pick<HeldBack, 'silence' | 'untilMs'>, { moment }: ReaderTime): string {
  return `${silence === null ? 'window' : `silence ${silence}`} until ${moment(untilMs)}`;
}

/** The silences and windows in force that hold something back, with how many alerts, and a count of the others. */
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

/** The same for programs. */
export function heldBackJson(held: readonly HeldBack[]): readonly object[] {
  return held.map(({ silence, untilMs, alerts }) => ({ ...coverJson({ silence, untilMs }), alerts }));
}

/** A silence or a window for programs. */
export function coverJson({ silence, untilMs }: Pick<HeldBack, 'silence' | 'untilMs'>): object {
  return { kind: silence === null ? 'window' : 'silence', silence, until: jsonTime(untilMs) };
}

/** Why a mail was dropped. */
export const droppedWords = 'config.xml no longer names this recipient';

/** What concerns the fleet as a whole has no client. */
export function clientText(client: string): string {
  return client === '' ? '(fleet)' : client;
}

/** A text that begins a sentence. */
export function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
