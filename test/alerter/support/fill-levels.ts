import { insertRows } from '../../../src/storage/sql/insert-rows.ts';
import { sqlTime } from '../../../src/storage/sql/sql-time.ts';
import type { Station } from './station.ts';

const dayMs = 86_400_000;

/** The size of a mount in bytes. */
export const madeSize = 1e12;

export interface MadeLevels {
  readonly client?: string;
  readonly mount?: string;
  /** Returns the used percent of the size on a day; 0 is today. Returns null if the day has no row. */
  readonly used: (day: number) => number | null;
  readonly inodes?: (day: number) => number | null;
  readonly size?: (day: number) => number;
}

/** Stores the levels of some days as reports would. The last day is today by the station's clock. */
export async function fillLevels(
  station: Pick<Station, 'database' | 'nowMs'>,
  mounts: readonly MadeLevels[],
  days: readonly [first: number, last: number] = [-34, 0],
): Promise<void> {
  const rows = mounts.flatMap(({ client = 'web-1', mount = '/data', used, inodes, size = () => madeSize }) =>
    Array.from({ length: days[1] - days[0] + 1 }, (_, index) => days[0] + index).flatMap((day) => {
      const percent = used(day);
      if (percent === null) return [];
      const at = sqlTime(station.nowMs() + day * dayMs);
      const bytes = Math.round((percent / 100) * size(day));
      return {
        day: at.slice(0, 10),
        client,
        mount,
        observed_at: at,
        size_bytes: size(day),
        available_bytes: size(day) - bytes,
        used_bytes: bytes,
        inodes_percent: inodes?.(day) ?? null,
      };
    }),
  );
  await station.database.write(async (session) => {
    for (const { client = 'web-1', mount = '/data' } of mounts) {
      const stored = rows.filter((row) => row.client === client && row.mount === mount).map(({ day }) => day);
      const marks = stored.map(() => '?').join(', ');
      const sql = `DELETE FROM disk_levels WHERE client = ? AND mount = ? AND day IN (${marks})`;
      await session.run(sql, [client, mount, ...stored]);
    }
    await insertRows(session, 'disk_levels', rows);
  });
}
