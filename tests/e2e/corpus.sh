#!/usr/bin/env bash
# apps/corpus/pairs.awk: which lines of two lists of package descriptions become pairs. debian.sh itself needs the network.
. "$(dirname "$0")/lib.sh" "$@"
cat >en <<'END'
Package: one
Description-md5: ff01
Description-en: first tool
 It has two sentences, wrapped
 over lines. The second is here.
 .
 Items:
  * an item that goes
    on
  * another
 .
 One sentence here.

Package: two
Description-md5: 00aa
Description-en: held-out tool
 It has two sentences, wrapped over lines.
 .
 A dot. Ends. Nothing.

Package: three
Description-md5: 02bb
Description-en: third tool
 Not translated.
 .
 Much longer than its translation, which says nothing at all of what is said here.

Package: four
Description-md5: ffcc
Description-en: without a translation
END
cat >fr <<'END'
Package: one
Description-md5: ff01
Description-fr: premier outil
 Il a deux phrases, sur plusieurs lignes.
 Éh bien, voici la seconde.
 .
 Éléments :
  * un élément qui
    continue
  * un autre
 .
 Ici une phrase. Et encore une.

Package: two
Description-md5: 00aa
Description-fr: outil mis de côté
 Il a deux phrases.
 .
 Un point. Termine. Rien.

Package: one
Description-md5: ff01
Description-fr: encore

Package: three
Description-md5: 02bb
Description-fr: troisième outil
 Not translated.
 .
 Court.

Package: five
Description-md5: ffdd
Description-fr: sans original
END
mkdir pairs
expect 0 env LC_ALL=C awk -v to=pairs -v language=fr -f "$tests/../apps/corpus/pairs.awk" en fr
same pairs/train.en 'first tool' 'It has two sentences, wrapped over lines.' 'The second is here.' 'Items:' \
  'an item that goes on' 'another' 'One sentence here.'
same pairs/train.fr 'premier outil' 'Il a deux phrases, sur plusieurs lignes.' 'Éh bien, voici la seconde.' 'Éléments :' \
  'un élément qui continue' 'un autre' 'Ici une phrase. Et encore une.'
same pairs/test.en 'held-out tool' 'A dot.' 'Ends.' 'Nothing.'
same pairs/test.fr 'outil mis de côté' 'Un point.' 'Termine.' 'Rien.'
same pairs/valid.en 'third tool'
same pairs/valid.fr 'troisième outil'
script=$tests/../apps/corpus/debian.sh
expect 0 "$script" --help
says out '^usage:'
expect 2 "$script"
expect 2 "$script" folder french
says err "'french' is not a language"
holds "and makes nothing" test ! -e folder
finish
