import fake_module

print(fake_module.compare("monday.csv", "tuesday.csv"))