import assert from 'node:assert/strict';
import { test } from 'node:test';

import { renderFleetPage } from '../../../src/look/page/fleet-page.ts';
import { logPanel, logTable } from '../../../src/look/page/log-table.ts';
import type { PageLogLine } from '../../../src/look/page/page.ts';
import { clientOf, pageOf } from './support/page-samples.ts';

const reader = { zone: 'UTC', nowMs: Date.UTC(2026, 10, 21, 10) };
const line: PageLogLine = {
  atMs: reader.nowMs - 90 * 60_000,
  priority: 'err',
  by: 'sshd',
  text: 'error: maximum authentication attempts exceeded',
  times: 1,
};

test('a client without lines of logs has no table', () => {
  assert.equal(logTable([], reader), null);
  assert.doesNotMatch(renderFleetPage(pageOf({ clients: [clientOf({})] })), /<template class="logs"/);
});

test('a row has the time, the priority, who wrote it, the text, and how often it stood there', () => {
  const older = { ...line, atMs: reader.nowMs - 86_400_000, priority: null, by: null, text: 'oom', times: 3 };
  const rows = (logTable([line, older], reader)?.html ?? '').split('<tr>').slice(2);
  assert.match(
    rows[0] ?? '',
    /^<td>08:30<\/td><td class="wide">err<\/td>.*>sshd<.*>error: maximum .* exceeded<\/span><\/td>/,
  );
  assert.match(
    rows[1] ?? '',
    /^<td>Fri 20 Nov 10:00<\/td>.*&#8211;.*&#8211;.*>oom<\/span> <span class="quiet">\(3 times\)</,
  );
  assert.match(logTable([line], reader)?.html ?? '', /The newest one\./);
  assert.match(logTable([line, line], reader)?.html ?? '', /The newest 2 lines, newest first\./);
});

test('lines of logs from a client are inert, in a page and in a panel of a report', () => {
  const evil = '\u001b[2J\u202e</template></td><script>alert(1)</script>"\'\nsecond';
  const hostile = { ...line, by: evil, text: evil };
  const table = logTable([hostile], reader)?.html ?? '';
  const panel = logPanel(evil, [hostile], reader).html;
  for (const html of [table, panel]) {
    assert.doesNotMatch(html.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]|<script/u);
  }
  assert.equal(panel.match(/<\/template>/g)?.length, 1);
  assert.equal(table.split('&lt;script&gt;').length, 3);
  assert.equal(panel.split('&lt;script&gt;').length, 4);
});

test('a report has the lines of a client in a template that waits until the client is opened', () => {
  const html = renderFleetPage(pageOf({ clients: [clientOf({})], logs: new Map([['web-1', [line]]]) }));
  assert.match(html, /<template class="logs" data-client="web-1"><p class="count"><b>Log lines<\/b> The newest one\.</);
});
