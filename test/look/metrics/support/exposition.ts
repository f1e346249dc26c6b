import assert from 'node:assert/strict';

/** A sample as a scraper reads it. */
export interface Scraped {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** The time in seconds; null if the line has none. */
  readonly time: number | null;
}

const line = /^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)(?: (\S+))?$/s;
const label = /([a-zA-Z_]\w*)="((?:\\.|[^"\\])*)"(,|$)/gsy;

/** Reads an exposition strictly by the definitions of the formats. */
export function scrape(text: string): readonly Scraped[] {
  return text
    .split('\n')
    .filter((one) => one !== '' && !one.startsWith('#'))
    .map((one) => {
      const [, name = '', labels = '', value, time] = line.exec(one) ?? assert.fail(`no sample: ${one}`);
      return { name, labels: readLabels(labels), value: Number(value), time: time === undefined ? null : Number(time) };
    });
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let end = 0;
  for (const [pair, name = '', value = ''] of text.matchAll(label)) {
    end += pair.length;
    assert.ok(!(name in labels), `${name} twice`);
    labels[name] = value.replace(/\\(.)/gs, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
  }
  assert.equal(end, text.length, `no labels: ${text}`);
  return labels;
}

/** Returns the values of a metric by its labels, as `client=web-1,mount=/`. */
export function valuesOf(scraped: readonly Scraped[], name: string): Readonly<Record<string, number>> {
  return Object.fromEntries(
    scraped
      .filter((one) => one.name === `fleet_health_${name}`)
      .map(({ labels, value }) => [
        Object.entries(labels)
          .map(([key, text]) => `${key}=${text}`)
          .join(','),
        value,
      ]),
  );
}
