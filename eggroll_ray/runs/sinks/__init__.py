"""Where else rows of metrics go: TensorBoard, Weights & Biases, MLflow, Prometheus."""
