"""Other destinations of the metrics: TensorBoard, Weights & Biases, MLflow, Prometheus."""
