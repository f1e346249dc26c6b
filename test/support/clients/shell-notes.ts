/** The notes that a client without Node keeps for the collector, and the time of its last daily question. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

interface KeptNotes {
  readonly counters: unknown;
  readonly texts: Record<string, string>;
}

/** Changes the texts in the notes. Does nothing if there are none. */
export function changeNotes(place: string, change: (texts: Record<string, string>) => void): void {
  const file = `${place}/notes`;
  if (!existsSync(file)) return;
  const [head = '', json = ''] = readFileSync(file, 'utf8').split('\n');
  const notes = JSON.parse(json) as KeptNotes;
  change(notes.texts);
  writeFileSync(file, `${head}\n${JSON.stringify(notes)}\n`);
}

/** Moves the last daily question, and the times at the start of lines or of nine digits and more in the notes, back. */
export function ageNotes(place: string, seconds: number): void {
  const older = (text: string): string =>
    text.replace(/\b\d{10}(\d{3})?\b/g, (time, ms?: string) =>
      String(Number(time) - seconds * (ms === undefined ? 1 : 1000)),
    );
  if (existsSync(`${place}/asked`)) writeFileSync(`${place}/asked`, older(readFileSync(`${place}/asked`, 'utf8')));
  changeNotes(place, (texts) => {
    for (const name of Object.keys(texts)) texts[name] = older(texts[name] ?? '');
  });
}
