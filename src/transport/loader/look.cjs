// Tries TCP connections from a client, all at once. Sends nothing. Runs on the client's node, however old.
//
// Arguments: sign, seconds for each connection, then pairs of address and port. Writes the lines of look.sh.
var args = process.argv,
  at;
function attempt(number, host, port) {
  var socket = require('net').connect(port, host);
  function end(words) {
    console.log(args[1], number, words);
    socket.destroy();
  }
  socket.on('connect', function () {
    end('reached');
  });
  socket.on('error', function (error) {
    end(error.code);
  });
  socket.setTimeout(args[2] * 1000, function () {
    end('timed out');
  });
}
for (at = 3; at + 1 < args.length; at += 2) attempt((at - 3) / 2, args[at], +args[at + 1]);
