# Pairs of lines from two lists of descriptions, the first in English: awk -v to=FOLDER -v language=fr -f pairs.awk EN FR
# A record has the lines "Package: ...", "Description-md5: ...", "Description-fr: synopsis", and the description, in
# which " ." ends a paragraph. The checksum, of the English text, joins the two.
BEGIN { RS = ""; FS = "\n" }

# The synopsis and each paragraph or item of a record, joined by newlines.
function paragraphs(   i, line, text, begun) {
  text = $3
  sub(/^Description-[^:]*: */, "", text)
  begun = 0
  for (i = 4; i <= NF; ++i) {
    line = $i
    gsub(/[ \t]+/, " ", line)
    if (line == " .") { begun = 0; continue }
    if (line ~ /^ ([*o+-]|\342\200\242) /) { begun = 0; sub(/^ [^ ]+/, "", line) }
    text = text (begun ? line : "\n" substr(line, 2))
    begun = 1
  }
  return text
}

# The sentences of a paragraph in `into`; returns how many. A sentence ends where a capital, a digit or a quotation
# mark follows the full stop.
function sentences(text, into,   n, at) {
  n = 0
  while (match(text, /[.!?] +([A-Z0-9"(]|\303[\200-\236]|\302\253)/)) {
    at = RSTART
    into[++n] = substr(text, 1, at)
    text = substr(text, at + 1)
    sub(/^ +/, "", text)
  }
  into[++n] = text
  return n
}

function words(text,   parts) { return split(text, parts, " ") }

# Not empty, of like length, translated at all, and new.
function emit(part, source, target,   ratio) {
  if (source !~ /[A-Za-z]/ || target == "" || source == target || source in seen) return
  if (words(source) > 80 || words(target) > 80) return
  ratio = (length(target) + 10) / (length(source) + 10)
  if (ratio < 0.5 || ratio > 2.2) return
  seen[source] = 1
  print source >(to "/" part ".en")
  print target >(to "/" part "." language)
}

function key() { return substr($2, length("Description-md5: ") + 1) }

FNR == NR { english[key()] = paragraphs(); next }

key() in english && !(key() in done) {
  done[key()] = 1
  # Whole packages by their checksum, 2 of 256 each, are held out.
  part = key() ~ /^0[01]/ ? "test" : key() ~ /^0[23]/ ? "valid" : "train"
  n = split(english[key()], source, "\n")
  m = split(paragraphs(), target, "\n")
  emit(part, source[1], target[1])
  for (i = 2; n == m && i <= n; ++i) {
    count = sentences(source[i], from)
    if (count == sentences(target[i], into))
      for (k = 1; k <= count; ++k) emit(part, from[k], into[k])
    else
      emit(part, source[i], target[i])
  }
}
