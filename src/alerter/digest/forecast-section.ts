import type { SectionWords } from '../compose/mail-words.ts';
import { dayMs } from '../../platform/units.ts';
import type { StoredForecast } from '../../storage/store/level-store.ts';
import { counted, countedMany, describeSize, rounded } from '../../text/numbers.ts';
import { quoted } from '../../text/plain-text.ts';
import { cut } from '../../text/text-columns.ts';
import { timeInWords, type TimeReader } from '../../text/time-words.ts';
import { digestSection, firstLines, type DigestWording } from './digest-section.ts';
import type { DigestFacts } from './read-digest.ts';

const nearMs = 30 * dayMs;
const soonMs = 7 * dayMs;
const clientColumns = 22;
const mountColumns = 18;

/** Returns the file systems that are foreseen to be full within 30 days, the nearest first; null if there are none. */
export function forecastSection(
  { forecasts, untilMs }: DigestFacts,
  { reader, most }: DigestWording,
): SectionWords | null {
  const near = forecasts.filter((one) => fullAtMs(one) - untilMs <= nearMs);
  if (near.length === 0) return null;
  near.sort((one, other) => fullAtMs(one) - fullAtMs(other));
  return digestSection({
    heading: 'Full within 30 days',
    count: near.length,
    ...(near.some((one) => fullAtMs(one) - untilMs <= soonMs) ? { worst: 'warning' } : {}),
    blocks: [
      {
        title: `${countedMany(near.length, 'file system')}, if they grow as they do`,
        lines: firstLines(near, most, (one) => forecastLine(one, untilMs, reader)),
      },
    ],
  });
}

function fullAtMs({ asOfMs, daysLeft }: StoredForecast): number {
  return asOfMs + daysLeft * dayMs;
}

/** Returns the line of a forecast: `db-1 /data: in 6 days (Thu 26 Nov), grows 11 GiB a day`. */
function forecastLine(forecast: StoredForecast, untilMs: number, reader: TimeReader): string {
  const { client, mount, kind, growthPerDay } = forecast;
  const atMs = fullAtMs(forecast);
  const days = Math.max(0, Math.round((atMs - untilMs) / dayMs));
  const day = timeInWords(reader, atMs).split(' ').slice(0, 3).join(' ');
  const growth = kind === 'inodes' ? `${rounded(growthPerDay, 2)} % of inodes` : describeSize(growthPerDay);
  const name = `${cut(quoted(client), clientColumns)} ${cut(quoted(mount), mountColumns)}`;
  return `${name}: in ${counted(days, 'day')} (${day}), grows ${growth} a day`;
}
