/**
 * Measures what ARCHITECTURE.md claims, part by part. `npm run bench`, or only some: `npm run bench -- agent storage`.
 * Every part prints its own lines; a figure that is off its limit says so there.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';

type Part = () => Promise<void>;

const parts = [
  'agent',
  'collector',
  'transports',
  'storage',
  'alert-store',
  'alerter',
  'replay',
  'retention',
  'config',
  'fleet',
];

// Whatever Node would load at each start is measured with it.
delete process.env['NODE_OPTIONS'];
delete process.env['NODE_EXTRA_CA_CERTS'];

// `--large` is for the part that it concerns.
const wanted = process.argv.slice(2).filter((name) => name !== '--large');
const unknown = wanted.filter((name) => !parts.includes(name));
if (unknown.length > 0) {
  console.error(`no such part: ${unknown.join(', ')}; there are ${parts.join(', ')}`);
  process.exit(2);
}
for (const name of parts) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const file = path.join(import.meta.dirname, `${name}.ts`);
  if (!existsSync(file)) continue;
  const exported = (await import(file)) as Readonly<Record<string, Part>>;
  console.log(`\n== ${name}`);
  const title = name.replace(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase());
  await exported[`bench${title}`]?.();
}
