// Tries TCP connections from a client, all at once. Sends nothing. Runs on the client's node, however old.
//
// Arguments: sign, seconds for each connection, then pairs of address and port. Writes the lines of look.sh.
var args = process.argv,
  at;
function attempt(number, host, port) {
  var socket = require('net').connect(port, host),
    text = '',
    isOpen;
  function end(words) {
    if (socket) console.log(args[1], number, isOpen ? (/^SSH-/m.test(text) ? 'reached' : 'open') : words);
    if (socket) socket.destroy();
    socket = 0;
  }
  socket.on('connect', function () {
    isOpen = 1;
  });
  socket.on('data', function (data) {
    text += data;
    if (text.length > 9999 || /^SSH-/m.test(text)) end();
  });
  socket.on('end', end);
  socket.on('error', function (error) {
    end(error.code);
  });
  setTimeout(function () {
    end('timed out');
  }, args[2] * 1000);
}
for (at = 3; at + 1 < args.length; at += 2) attempt((at - 3) / 2, args[at], +args[at + 1]);
