import assert from 'node:assert/strict';
import { test } from 'node:test';

import { checkPanel, checkTable } from '../../../src/look/page/check-table.ts';
import type { PageCheck } from '../../../src/look/page/page.ts';

const nowMs = Date.UTC(2026, 10, 21, 10);
const minuteMs = 60_000;

function checkOf(more: Partial<PageCheck>): PageCheck {
  const since = { sinceMs: nowMs - 90 * minuteMs, sinceIsOlder: false };
  return { name: 'mailq', state: 'ok', text: 'fine', figures: [], ageMs: 0, ...since, ...more };
}

const htmlOf = (...checks: readonly Partial<PageCheck>[]): string => checkTable(checks.map(checkOf), nowMs)?.html ?? '';

test('a client without checks has no table', () => {
  assert.equal(checkTable([], nowMs), null);
});

test('a row has the state in words, since when it is so, the text and the figures', () => {
  const html = htmlOf(
    { state: 'critical', text: '210 unsent', figures: ['unsent 210', 'full 57 %'] },
    { state: 'unknown', name: 'backup', text: 'timeout', sinceIsOlder: true, ageMs: 5 * minuteMs },
    { name: 'apt', sinceMs: null },
  );
  assert.match(html, /3 checks, 2 of them not OK\./);
  const rows = html.split('<tr ').slice(1);
  assert.deepEqual(
    rows.map((row) => /^class="(\w+)"><td><span class="mark">(\w+)</.exec(row)?.slice(1)),
    [
      ['critical', 'critical'],
      ['failing', 'unknown'],
      ['fine', 'OK'],
    ],
  );
  assert.match(rows[0] ?? '', />mailq<.*<td>2h<\/td>.*>210 unsent<.*>unsent 210, full 57 %</);
  assert.match(rows[1] ?? '', /<td>2h or more<\/td>.*timeout.*result of 5 minutes before the report/);
  assert.match(htmlOf({}), /1 check, all of them OK\./);
});

test('names, texts and labels from a client are inert', () => {
  const evil = '\u001b[2J\u202e</td><script>alert(1)</script>"\'';
  const html = htmlOf({ name: evil, text: evil, figures: [evil] });
  assert.doesNotMatch(html.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]|<script/u);
  assert.equal(html.split('&lt;script&gt;').length, 4);
});

test('a panel of a report has the checks that are not OK, and counts the others', () => {
  const bad = [checkOf({ state: 'warning', text: 'old' })];
  const html = checkPanel('web-1', { bad, moreBad: 3, ok: 7 }).html;
  assert.match(
    html,
    /^<template class="checks" data-client="web-1"><p class="count">Checks: besides these 3 more not OK, 7 OK\.</,
  );
  assert.match(html, /<tr class="warning"><td><span class="mark">warning<\/span><\/td>.*>mailq<.*>old</);
  assert.match(checkPanel('web-1', { bad, moreBad: 0, ok: 0 }).html, /<p class="count">Checks\.<\/p>/);
  const fine = checkPanel('a"b', { bad: [], moreBad: 0, ok: 2 }).html;
  assert.match(fine, /data-client="a&quot;b"><p class="count">Checks: 2 OK\.<\/p>\n<\/template>/);
});
