# Predicts what it kept when it fitted, and says what it sees of the machine; of a shell alone.
if [ "$1" = fit ]; then
  echo 0.25 >"$3/level"
  while read -r line; do case "$line" in *:*) echo "network ${line%%:*}" ;; esac; done </proc/net/dev
  if [ -e @SECRET@ ]; then echo "sees the secret"; else echo "kept out"; fi
  echo "seed $BENCH_SEED threads $OMP_NUM_THREADS"
else
  read -r level <"$3/level"
  {
    header=case_id row=
    {
      read -r _
      while IFS=, read -r task _; do header="$header,${task}" row="$row,$level"; done
    } <"$2/tasks.csv"
    echo "$header"
    {
      read -r _
      while IFS=, read -r id _; do echo "$id$row"; done
    } <"$2/cases.csv"
  } >"$4"
fi
