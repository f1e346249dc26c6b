import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseCertificates } from '../../../src/report/checks/certificates.ts';

const nowMs = Date.parse('2026-11-22T09:00:00Z');
const limits = 'warning=1814400\ncritical=604800\n';
const one = (end: string, name = 'a'): string => `notAfter=${end}\nsubject=CN=${name}\nissuer=CN=CA\n`;

test('the certificate that ends first decides', () => {
  const cases: readonly (readonly [string, number, string])[] = [
    [one('Dec 14 09:00:00 2026 GMT'), 0, '22 days left: CN=a, issued by CN=CA, until 2026-12-14 09:00 UTC'],
    [one('Dec 13 08:59:59 2026 GMT'), 1, '20 days left: CN=a, issued by CN=CA, until 2026-12-13 08:59 UTC'],
    [one('Nov 29 08:59:59 2026 GMT'), 2, '6 days left: CN=a, issued by CN=CA, until 2026-11-29 08:59 UTC'],
    [one('Nov  2 09:00:00 2026 GMT'), 2, 'expired 20 days ago: CN=a, issued by CN=CA, until 2026-11-02 09:00 UTC'],
    [
      one('Dec 31 23:59:59 9999 GMT').replace('CN=CA', ''),
      0,
      '2912117 days left: CN=a, issued by , until 9999-12-31 23:59 UTC',
    ],
  ];
  for (const [output, state, text] of cases) {
    const result = parseCertificates(limits + output, nowMs);
    assert.deepEqual([result.state, result.text], [state, text]);
  }
  const both = `file=/b\n${one('Dec 25 09:00:00 2026 GMT', 'b')}file=/c\n${one('Nov 23 09:00:00 2026 GMT', 'c')}`;
  const { state, text, figures } = parseCertificates(limits + both, nowMs);
  assert.equal(state, 2);
  assert.match(text, /^\/c: 1 day left: CN=c, .*\n\/b: 33 days left: CN=b, /);
  assert.deepEqual(
    figures.map(({ label, value, critical }) => ({ label, value, low: critical?.low })),
    [{ label: 'days', value: 1, low: 7 }],
  );
});

test('a certificate that is not valid yet is CRITICAL, and told first', () => {
  const from = (start: string, name = 'a'): string => `notBefore=${start}\n${one('Dec 25 09:00:00 2026 GMT', name)}`;
  const said = (output: string): string => {
    const { state, text } = parseCertificates(limits + output, nowMs);
    return `${state} ${text.split(':', 1)[0]}`;
  };
  assert.equal(said(from('Nov 22 09:06:00 2026 GMT')), '2 not valid before 2026-11-22T09');
  assert.equal(said(from('Nov 22 09:04:00 2026 GMT')), '0 33 days left', 'clocks differ by minutes');
  assert.equal(said(from('Nov  1 09:00:00 2026 GMT')), '0 33 days left');
  assert.equal(said(from('some day')), '0 33 days left');
  const others = Array.from({ length: 9 }, (_, at) => one('Dec 24 09:00:00 2026 GMT', `${at}`)).join('');
  assert.equal(said(`${others}${from('Nov 23 09:00:00 2026 GMT')}`), '2 not valid before 2026-11-23T09');
  assert.equal(said(`${from('Nov 23 09:00:00 2026 GMT')}${others}`), '2 not valid before 2026-11-23T09');
});

test('a fault is UNKNOWN, and hides no certificate that ends', () => {
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ['', 3, /^no certificate$/],
    ['fault=not there: /x', 3, /^not there: \/x$/],
    [`fault=not there: /x\n${one('Dec 25 09:00:00 2026 GMT')}`, 3, /^not there: \/x\n33 days left/],
    [`fault=not there: /x\n${one('Nov 23 09:00:00 2026 GMT')}`, 2, /^1 day left.*\nnot there: \/x$/],
    [one('some day'), 3, /^no end of its time$/],
    [`file=/x\nsubject=CN=x\nissuer=CN=CA`, 3, /^no end of its time: \/x$/],
    // The output was cut off at the limit of its reader.
    [`${one('Dec 25 09:00:00 2026 GMT')}file=/y\nnotAf`, 3, /^more certificates than a result holds\n33 days/],
    // openssl escapes a line break in a subject, so a line with another beginning is not part of a certificate.
    ['subject=CN=x\\0Afault=y\n\u2028fault=z\nnonsense', 3, /^no certificate$/],
  ];
  for (const [output, state, text] of cases) {
    const result = parseCertificates(limits + output, nowMs);
    assert.equal(result.state, state, output);
    assert.match(result.text, text);
  }
  // The output of another program, without limits.
  assert.deepEqual(parseCertificates(one('Nov 23 09:00:00 2026 GMT'), nowMs).state, 3);
});
