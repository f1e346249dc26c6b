import assert from 'node:assert/strict';
import { test } from 'node:test';

import { pageOutliers } from '../../../src/look/data/page-rows.ts';
import { noOutliers } from '../../../src/alerter/outliers/outliers.ts';
import { renderFleetPage } from '../../../src/look/page/fleet-page.ts';
import { outlierList } from '../../../src/look/page/outlier-list.ts';
import { times } from '../../support/times.ts';
import { pageOf } from './support/page-samples.ts';

const hostile = '</td><img src=x onerror=alert(1)>';
const odd = { group: 'web', metric: 'mount', value: 91, median: 40, score: 9, rows: 12, of: 12 } as const;
const kernel = { group: 'web', fact: 'kernel', usual: '6.1', value: '5.10', members: 80 } as const;

test('a page without outliers says nothing of them', () => {
  assert.equal(outlierList(pageOutliers(noOutliers, new Set(['web-1']))), null);
  assert.doesNotMatch(renderFleetPage(pageOf({})), /id="outliers"/);
});

test('outliers of the clients of a page are listed, and what a client says is escaped', () => {
  const found = {
    groups: [],
    figures: [
      { ...odd, client: 'web-1', subject: hostile },
      { ...odd, client: 'elsewhere', subject: '/' },
    ],
    kinds: [{ ...kernel, value: hostile, clients: ['elsewhere', 'web-1'] }],
  };
  const outliers = pageOutliers(found, new Set(['web-1']));
  const html = renderFleetPage(pageOf({ outliers }));
  const escaped = '&lt;/td&gt;&lt;img src=x onerror=alert(1)&gt;';
  assert.ok(html.includes(`<a href="#web-1">web-1</a></th><td>${escaped}</td><td>91 %</td><td>40 %</td><td>web</td>`));
  assert.ok(html.includes(`<li>web: 2 of 80 run kernel ${escaped} instead of 6.1: <a href="#web-1">web-1</a></li>`));
  assert.doesNotMatch(html, /elsewhere|<img/);
});

test('many outliers are counted beyond the first', () => {
  const names = times(60, (index) => `web-${index}`);
  const figures = names.map((client) => ({ ...odd, client, subject: '/' }));
  const outliers = pageOutliers({ groups: [], figures, kinds: [{ ...kernel, clients: names }] }, new Set(names));
  assert.deepEqual([outliers.figures.length, outliers.kinds.length, outliers.more], [40, 1, 20]);
  const html = outlierList(outliers)?.html ?? '';
  assert.match(html, /<p>And 20 outliers more: <code translate="no">fleet-health outliers<\/code><\/p>/);
  assert.match(html, /web-11<\/a> and 48 more<\/li>/);
});
