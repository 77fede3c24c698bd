#!/usr/bin/env bash
# mininmt-beam --serve: clients, one after the other and many at once, and those that mean no good.
. "$(dirname "$0")/lib.sh" "$@"
make_pairs 60 toy
expect 0 "$train" --preset tiny --dim-emb 16 --dim-rnn 24 --dim-align 16 --dim-maxout 16 --train-sets toy.src toy.tgt --model model \
  --after 100u --quiet
head -5 toy.src >in && "$beam" --quiet --model model <in >wanted
"$beam" --model model --serve 0 --languages xx yy 2>log &
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
until grep -q 'serving' log || ! kill -0 $server 2>/dev/null; do :; done
port=$(sed -n 's#.*http://127.0.0.1:\([0-9]*\)/.*#\1#p' log)
expect 0 python3 - "$port" <<'END'
import http.client, json, socket, sys, threading
port = int(sys.argv[1])

def ask(method, path, body=None, headers={}):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, response.read()

lines, wanted = open("in").read().splitlines(), open("wanted").read().splitlines()
def translate(q):
    status, body = ask("POST", "/translate", json.dumps({"q": q, "source": "xx", "target": "yy"}),
                       {"Content-Type": "application/json"})
    assert status == 200, (status, body)
    return json.loads(body)["translatedText"]

assert translate(lines) == wanted
assert translate("\n".join(lines)) == "\n".join(wanted)
assert translate("") == ""
status, body = ask("POST", "/translate", json.dumps({"q": lines[0], "alignment": True}), {"Content-Type": "application/json"})
aligned = json.loads(body)["alignment"][0]
assert aligned["source"] == lines[0].split() + ["</s>"]
assert len(aligned["weights"]) == len(aligned["target"]) and all(95 <= sum(row) <= 105 for row in aligned["weights"])
assert json.loads(ask("GET", "/languages")[1])[0] == {"code": "xx", "name": "xx", "targets": ["yy"]}
assert b"<textarea" in ask("GET", "/")[1]

# Several requests on one connection; many connections at once.
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
for line, right in zip(lines, wanted):
    connection.request("POST", "/translate", "q=" + line.replace(" ", "+"), {"Content-Type": "application/x-www-form-urlencoded"})
    assert json.loads(connection.getresponse().read())["translatedText"] == right
found = {}
def client(i): found[i] = translate(lines[i % 5])
threads = [threading.Thread(target=client, args=(i,)) for i in range(40)]
for t in threads: t.start()
for t in threads: t.join()
assert all(found[i] == wanted[i % 5] for i in range(40))

# None of these stops it.
assert ask("POST", "/translate", "x" * 2_000_000)[0] == 413
assert ask("POST", "/translate", '{"q": "' + "[" * 100000 + '"}')[0] == 200
assert ask("POST", "/translate", "[" * 200000)[0] == 400
assert ask("PUT", "/translate")[0] == 405 and ask("GET", "/../../etc/passwd")[0] == 404
for raw in (b"nonsense\r\n\r\n", b"\x00" * 1000, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20000 + b"\r\n",
            b"POST /translate HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"POST /translate HTTP/1.1\r\nContent-Length: 10\r\n\r\nab"):
    s = socket.create_connection(("127.0.0.1", port), timeout=60)
    s.sendall(raw)
    s.close()
gone = socket.create_connection(("127.0.0.1", port), timeout=60)  # does not wait for the answer
body = json.dumps({"q": lines * 20}).encode()
gone.sendall(b"POST /translate HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
gone.close()
assert translate(lines[0]) == wanted[0]
END
silent err
expect 74 "$beam" --model model --serve "$port"
says err 'can.t be listened on'
kill -TERM $server
code=0
wait $server || code=$?
holds "it ends by the signal" test $code -eq 143
expect 2 "$beam" --model model --serve nowhere
says err "is neither a port"
expect 2 "$beam" --model model --serve 8080 --input in
says err 'exclude each other'
finish
