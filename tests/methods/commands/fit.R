# Logistic or linear regression on age, in R.
words <- commandArgs(trailingOnly = TRUE)
tasks <- read.csv(file.path(words[2], "tasks.csv"))
cases <- read.csv(file.path(words[2], "cases.csv"), na.strings = "")
if (words[1] == "fit") {
  train <- cases[cases$part == "train", ]
  models <- lapply(seq_len(nrow(tasks)), function(k) {
    form <- as.formula(paste(tasks$task[k], "~ age"))
    glm(form, data = train, family = if (tasks$kind[k] == "binary") binomial() else gaussian())
  })
  saveRDS(models, file.path(words[3], "models.rds"))
} else {
  models <- readRDS(file.path(words[3], "models.rds"))
  said <- data.frame(case_id = cases$case_id)
  for (k in seq_len(nrow(tasks))) {
    value <- predict(models[[k]], cases, type = "response")
    said[[tasks$task[k]]] <- pmin(pmax(value, tasks$low[k]), tasks$high[k])
  }
  write.csv(said, words[4], row.names = FALSE)
}
