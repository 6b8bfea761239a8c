# Makes the pinned values of tests/inference/test_delong.py: Rscript tests/reference/proc.R (Debian: r-base-core, r-cran-proc).
# asah.csv: the aSAH data of pROC (Turck et al. 2010, Intensive Care Med 36:107; Robin et al. 2011, BMC Bioinformatics 12:77).
# ties.csv: random scores of few levels, so that most pairs of values are tied.
suppressMessages(library(pROC))
folder <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))

data(aSAH)
asah <- data.frame(truth = as.integer(aSAH$outcome == "Poor"), s100b = aSAH$s100b, ndka = aSAH$ndka, wfns = as.integer(aSAH$wfns))
set.seed(2601)
truth <- rbinom(60, 1, 0.3)
ties <- data.frame(truth = truth, first = sample(0:4, 60, TRUE) + truth, second = sample(0:3, 60, TRUE) + truth)

pinned <- function(name, table, first, second) {
  a <- roc(table$truth, table[[first]], direction = "<", levels = c(0, 1), quiet = TRUE)
  b <- roc(table$truth, table[[second]], direction = "<", levels = c(0, 1), quiet = TRUE)
  test <- roc.test(a, b, method = "delong", paired = TRUE)
  wald <- ci.auc(a, method = "delong")
  data.frame(data = name, first = first, second = second, auc_first = as.numeric(auc(a)), auc_second = as.numeric(auc(b)),
    var_first = var(a, method = "delong"), var_second = var(b, method = "delong"), cov = cov(a, b, method = "delong"),
    wald_low = wald[1], wald_high = wald[3], z = unname(test$statistic), p = test$p.value)
}

values <- rbind(pinned("asah", asah, "s100b", "ndka"), pinned("asah", asah, "wfns", "s100b"), pinned("ties", ties, "first", "second"))
values[] <- lapply(values, function(column) if (is.numeric(column)) signif(column, 12) else column)
write.csv(asah, file.path(folder, "asah.csv"), row.names = FALSE, quote = FALSE)
write.csv(ties, file.path(folder, "ties.csv"), row.names = FALSE, quote = FALSE)
write.csv(values, file.path(folder, "proc.csv"), row.names = FALSE, quote = FALSE)
