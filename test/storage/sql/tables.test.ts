import assert from 'node:assert/strict';
import { test } from 'node:test';

import { integerColumns } from '../../../src/storage/sql/column-types.ts';
import type { SqlRow } from '../../../src/storage/sql/database.ts';
import { readMigrations } from '../../../src/storage/migrate/migration-files.ts';
import { rollupSources, rollupTable } from '../../../src/storage/sql/rollups.ts';
import { tables } from '../../../src/storage/sql/tables.ts';
import { onEachDatabase } from '../support/databases.ts';

/** The tables with the figures of a report. */
const fromClients = ['stats', 'disk_stats', 'network_stats', 'check_stats', 'inventory'];

onEachDatabase(
  'the list of tables',
  ({ it, own: { columns: columnsSql } }) => {
    it('has each table of the schema, with the columns of its key in order, and with its counter', async (opened) => {
      const columns = await opened.database.readOnly(columnsSql);
      const names = new Set(columns.map(({ t }) => String(t)).filter((name) => name !== 'migrations'));
      assert.deepEqual([...names].sort(), tables.map(({ name }) => name).sort());
      for (const { name, key, hasCounter = false } of tables) {
        const own = columns.filter(({ t }) => t === name);
        const inKey = own.filter(({ place }) => Number(place) > 0);
        inKey.sort((one, other) => Number(one['place']) - Number(other['place']));
        assert.deepEqual(
          inKey.map(({ c }) => c),
          key,
          name,
        );
        const counted = own.filter(({ counter }) => Number(counter) === 1);
        assert.equal(counted.length, hasCounter ? 1 : 0, name);
      }
    });

    it('gives the hours and days of a figure its type, and their means digits', async (opened) => {
      const columns = await opened.database.readOnly(columnsSql);
      const typeOf = (table: string, column: string): string =>
        String(columns.find(({ t, c }) => t === table && c === column)?.['type']);
      for (const source of rollupSources) {
        for (const [table, name] of (['hour', 'day'] as const).flatMap((span) =>
          source.metrics.map((metric) => [rollupTable(source, span), metric] as const),
        )) {
          const own = typeOf(source.table, name);
          const types = ['min', 'mean', 'max', 'count'].map((part) => typeOf(table, `${name}_${part}`));
          assert.deepEqual([types[0], types[2]], [own, own], `${table}.${name}`);
          assert.match(`${types[1]} ${types[3]}`, /^(?:REAL INTEGER|DOUBLE MEDIUMINT)$/i, `${table}.${name}`);
        }
      }
    });

    it('bounds each integer that clients fill by the type that the database gives its column', async (opened) => {
      const columns = await opened.database.readOnly(columnsSql);
      const isInteger = ({ type }: SqlRow): boolean => /^(?:INTEGER|TINYINT|SMALLINT|INT|BIGINT)$/.test(String(type));
      const filled = columns.filter((one) => fromClients.includes(String(one['t'])) && isInteger(one));
      // The program itself assigns these ids.
      const bounded = filled.filter(({ c }) => !['id', 'stat_id', 'ordinal'].includes(String(c)));
      const found = new Set(bounded.map(({ c, type }) => `${String(c)} ${type === 'INTEGER' ? '' : String(type)}`));
      const isTyped = bounded.every(({ type }) => type !== 'INTEGER');
      const listed = [...integerColumns].map(([name, type]) => `${name} ${isTyped ? type : ''}`);
      assert.deepEqual([...found].sort(), listed.sort());
    });
  },
  { mariadb: 'always' },
);

test('the list of tables has the columns of times and JSON, and the tables with long texts', () => {
  // Only MySQL has types for them.
  const steps = readMigrations('mysql').flatMap((file) => file.steps);
  for (const { name, times = [], json = [], texts = 'short' } of tables) {
    const written = steps.filter(
      (step) => step.startsWith(`CREATE TABLE ${name} `) || step.startsWith(`ALTER TABLE ${name} `),
    );
    const body = written.join(' ');
    const ofType = (type: string): readonly string[] =>
      [...body.matchAll(new RegExp(`(\\w+) +${type}`, 'g'))].map(([, column = '']) => column);
    assert.deepEqual(ofType('DATETIME\\(3\\)'), times, name);
    assert.deepEqual(ofType('JSON\\b'), json, name);
    const isLongest = /\b(?:LONGTEXT|\w*BLOB)\b/.test(body);
    assert.equal(texts, isLongest ? 'longest' : /\b(?:JSON|\w*TEXT)\b/.test(body) ? 'long' : 'short', name);
  }
});
