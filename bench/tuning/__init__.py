"""The search for hyperparameters on the training and validation cases of a fold."""
