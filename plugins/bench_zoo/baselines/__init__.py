"""Methods that every other has to beat: prevalence, acquisition, covariates and tumour size."""
