import assert from 'node:assert/strict';
import { test } from 'node:test';

import { usualMeaning } from '../../../src/config/vocabulary/usual-words.ts';
import { faultsOfText } from '../support/config-files.ts';

test('the words that people write first are answered with the names that are meant', () => {
  const client = (attributes: string): string => `<config><client name="web-1" ${attributes}/></config>`;
  const rule = (type: string): string => `<config><alerts><alert type="${type}" limit="90%"/></alerts></config>`;
  for (const [text, words] of [
    [client('host="192.0.2.1"'), /<client> has no attribute host; did you mean "ip"\?/],
    [client('HostName="192.0.2.1"'), /did you mean "ip"\?/],
    [client('ip="192.0.2.1" user="x"'), /<client> has no attribute user; did you mean "username"\?/],
    [client('ip="192.0.2.1" key="x"'), /<client> has no attribute key; did you mean "privateKey"\?/],
    [client('ip="192.0.2.1" bastion="x"'), /did you mean "proxyJump"\?/],
    ['<config><host ip="192.0.2.1"/></config>', /there is no element <host>; did you mean <client>\?/],
    ['<config><alerts><rule type="cpu"/></alerts></config>', /did you mean <alert>\?/],
    [rule('ram'), /type="ram" is none of .*; did you mean "memory"\?/],
    [rule('filesystem'), /did you mean "disk"\?/],
    [rule('memroy'), /did you mean "memory"\?/],
  ] as const) {
    assert.match(faultsOfText(text).join('\n'), words);
  }
  assert.equal(usualMeaning('user', ['ip'], 'attributes'), null, 'nothing that is not allowed there');
});
