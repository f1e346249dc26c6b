import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clientView } from '../../../src/look/page/live/client-view.ts';
import { clientOf } from './support/page-samples.ts';

const dayMs = 86_400_000;
const view = {
  ...{
    zone: 'UTC',
    nowMs: Date.UTC(2026, 10, 20),
    alerts: [],
    checks: [],
    logs: [],
    changes: [],
    olderChanges: 0,
    facts: [],
    span: '24h',
  },
  client: clientOf({ name: 'web-1' }),
};

test('the page of a client says of each file system in which time it will be full', () => {
  const forecasts = [
    { mount: '/<data>', inMs: 3 * dayMs },
    { mount: '/srv (inodes)', inMs: 40 * dayMs },
  ];
  const { html } = clientView({ ...view, forecasts });
  assert.match(html, /<p>Full, if they grow as they do: \/&lt;data&gt; in 3d, \/srv \(inodes\) in 40d\.<\/p>/);
  assert.doesNotMatch(clientView({ ...view, forecasts: [] }).html, /Full, if/);
});
